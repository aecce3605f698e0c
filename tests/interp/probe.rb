# SPDX-License-Identifier: MIT
# The script of the differential suite, in Ruby: says or does one thing about where it runs.
require "etc"
require "fcntl"
require "fiddle"
require "json"
require "tmpdir"

TOUCHED = rand # so that a generator that is not seeded anew shows
#READY

def fact(text)
  File.foreach("/proc/self/status") { |line| return line.split(":", 2)[1].strip if line.start_with?("#{text}:") }
end

C_LIBRARY = lambda do |name, *numbers|
  Fiddle::Function.new(Fiddle::Handle::DEFAULT[name.to_s], numbers.map { Fiddle::TYPE_LONG }, Fiddle::TYPE_LONG).call(*numbers)
end

class Thing
  def initialize(name)
    ObjectSpace.define_finalizer(self, Thing.finalizer(name))
  end

  def self.finalizer(name)
    proc { puts "gone #{name}" }
  end
end

DO = {
  argv: -> { puts "#{JSON.generate(ARGV.drop(1).map(&:b).map(&:inspect))} #{$0}" },
  count: -> { puts "#{ARGV.size} #{ARGV.sum(&:size)}" },
  env: -> { puts JSON.generate(ENV.to_a.map { |pair| pair.map { |text| text.b.inspect } }.sort) },
  child_env: -> { system "/usr/bin/env", "-0" },
  place: -> { puts [Dir.pwd, File.umask.to_s(8), Process.getpriority(Process::PRIO_PROCESS, 0), Process.groups.sort, Process.uid].inspect },
  limits: -> { puts File.read("/proc/self/limits") },
  signals: -> { puts [fact("SigBlk"), fact("SigIgn"), fact("SigCgt")].join(" ") },
  fds: lambda {
    Dir.children("/proc/self/fd").map(&:to_i).sort.each do |n|
      what = File.readlink("/proc/self/fd/#{n}")
      # Besides the directory: the executor's own from 64 on, as the manual says, and Ruby's own.
      puts "#{n} #{what.sub(/:.*/m, '')}" unless n >= 64 && what.start_with?("socket:") || what.end_with?("/fd", "[eventfd]")
    rescue Errno::ENOENT
      next
    end
  },
  read_fd: -> { print File.read(ARGV[1]) },
  cat: lambda {
    [$stdin, $stdout].each(&:binmode)
    begin
      loop { $stdout.syswrite($stdin.readpartial(65_536)) }
    rescue EOFError
      nil
    end
  },
  lines: -> { $stdin.each_line { |line| puts "got #{line.chomp}" } },
  standard: lambda {
    [$stdin, $stdout, $stderr].each do |stream|
      position = begin
        stream.pos
      rescue SystemCallError => error
        error.class
      end
      $stderr.puts [stream.tty? ? "tty" : "no", stream.fileno, stream.sync, stream.external_encoding, position].inspect
    end
  },
  position: -> { puts "#{$stdin.read(4)}#{$stdin.pos}" },
  close_out: lambda {
    $stdout.puts "before"
    $stdout.flush
    C_LIBRARY.(:close, 1) # Ruby keeps its standard streams' descriptors open
    $stdin.read
  },
  leave: -> { exit ARGV[1].to_i },
  leave_with_words: -> { abort "words" },
  raise_exit: -> { exit! ARGV[1].to_i },
  fail: -> { raise ArgumentError, "on purpose" },
  die: lambda {
    number = ARGV[1].to_i
    C_LIBRARY.(:signal, number, 0) # Ruby keeps some to itself
    Process.kill(number, $$)
    sleep
  },
  wait_for_signal: lambda {
    trap(ARGV[1].to_i) { $stdout.syswrite("got #{ARGV[1]}\n") && exit(5) }
    $stdout.syswrite("ready\n")
    sleep
  },
  become: -> { exec(*ARGV.drop(1)) },
  background: lambda {
    pid = spawn("sh", "-c", "read x; echo late > #{ARGV[1]}", out: "/dev/null", err: "/dev/null")
    Process.detach(pid)
    puts pid.positive? ? "True" : "False"
  },
  tty: lambda {
    File.open("/dev/tty", "r+") do |terminal|
      terminal.syswrite("to the terminal\n")
      puts [terminal.tty?, true].map(&:to_s).map(&:capitalize).join(" ")
    end
  },
  ends: lambda {
    $kept = Thing.new("kept")
    ring = [Thing.new("ring")]
    ring << ring
    $file = File.open(ARGV[1], "w") # never closed
    $file.write("unflushed")
    at_exit { puts "at_exit" }
    print "no newline"
  },
  chance: -> { puts "#{TOUCHED} #{rand} #{Random.rand(1 << 60)} #{Dir::Tmpname.create('x') { nil }}" },
  pipe_broken: -> { 100_000.times { |n| puts "line #{n}" } },
  clock: -> { puts "#{Time.now.zone} #{Time.at(0).hour}" },
  name: -> { puts "#{$0} #{File.basename(__FILE__)} #{$VERBOSE.inspect}" }
}.freeze

DO.fetch(ARGV[0].to_sym).call
