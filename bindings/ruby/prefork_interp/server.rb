# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "native"

module PreforkInterp
  # From set-up to executor: what the interpreter keeps of its own, made this call's.
  class Server
    REASON_BYTES = 1024
    RESERVED = %w[EXIT KILL STOP SEGV BUS ILL FPE VTALRM].freeze # Signal.trap does not take them

    def self.managed?
      Native::MANAGED.call == 1
    end

    def initialize(also_check, warn)
      warn_of_threads if warn
      (loaded + also_check).uniq.each { |path| Native::ALSO_CHECK.call(File.expand_path(path)) }
      @handlers = handlers
    end

    # The set-up process ends in here; the executors return.
    def become(name:, **numbers)
      options = Native.zeroed(Native::OPTIONS)
      options.name = name && (@name = Fiddle::Pointer[name])
      options.fork = Native::FORK
      numbers.each { |field, value| options.public_send("#{field}=", value) }
      call = Native.zeroed(Native::CALL)
      reason = Fiddle::Pointer.malloc(REASON_BYTES, Fiddle::RUBY_FREE)

      ObjectSpace.each_object(IO) { |io| io.flush unless io.closed? }
      GC.start # what an executor need not look through
      if Native::INIT_COMPLETE.call(options, call, reason, REASON_BYTES).negative?
        warn "prefork-interp: #{$0}: #{reason}"
        exit! 255
      end
      take_over(call)
    end

    private

    # Every file that was loaded, and every path where it was looked for before it was found.
    def loaded
      $LOADED_FEATURES.select { |path| path.start_with?("/") }.flat_map do |path|
        home = $LOAD_PATH.index { |folder| path.start_with?(File.join(folder.to_s, "")) }
        name = home && path.delete_prefix(File.join($LOAD_PATH[home].to_s, ""))
        [path, *$LOAD_PATH.first(home || 0).map { |folder| File.join(folder.to_s, name) }]
      end
    end

    def warn_of_threads
      names = (Thread.list - [Thread.main]).map(&:inspect)
      warn "prefork-interp: #{$0}: these threads are not in the calls that follow: #{names.join(', ')}" if names.any?
    end

    # What the script has trapped so far. Ruby's own handlers go, so that an executor can be told what its caller ignores.
    def handlers
      (Signal.list.keys - RESERVED).uniq { |name| Signal.list[name] }.to_h do |name|
        handler = trap(name, "SYSTEM_DEFAULT") || "DEFAULT"
        trap(name, handler) unless handler == "DEFAULT"
        [name, handler]
      end
    end

    def take_over(call)
      script = call.script.to_s
      $0 = script unless script.empty? || script == $0
      ARGV.replace(call.argv[0, call.argc * Fiddle::SIZEOF_VOIDP].unpack("J*").map { |word| argument(word) })
      Native.unblock_signals
      take_signals
      [[STDIN, "r"], [STDOUT, "w"], [STDERR, "w"]].each_with_index { |(stream, mode), fd| take_stream(stream, fd, mode) }
    end

    # As Ruby makes them, and where the locale knows only ASCII, other bytes are bytes.
    def argument(address)
      word = Fiddle::Pointer.new(address).to_s.force_encoding(Encoding.default_external)
      word.force_encoding(Encoding::BINARY) if word.encoding == Encoding::US_ASCII && !word.ascii_only?
      word.freeze
    end

    # The script's handlers, and Ruby's, over the caller's dispositions: what the caller ignores, Ruby's do not touch.
    def take_signals
      @handlers.each do |name, handler|
        next if handler == "SYSTEM_DEFAULT" || handler == "DEFAULT" && Native.ignored?(Signal.list[name])

        trap(name, handler)
      end
    end

    # The same objects, over what the descriptors are now. A terminal is written to line by line; of what the
    # caller had closed a new interpreter makes the end of a pipe that leads nowhere.
    def take_stream(stream, fd, mode)
      return if stream.closed? || stream.fileno != fd

      stream.stat # or EBADF
      stream.reopen(IO.for_fd(fd, mode, autoclose: false)) if stream.tty?
    rescue Errno::EBADF
      ends = IO.pipe
      Native::DUP2.call(ends[mode == "r" ? 0 : 1].fileno, fd)
      ends.each { |io| io.fileno == fd ? io.autoclose = false : io.close }
    end
  end
end
