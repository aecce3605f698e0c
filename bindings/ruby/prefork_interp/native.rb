# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "fiddle/import"

module PreforkInterp
  # libprefork-interp as prefork_interp.h declares it.
  module Native
    extend Fiddle::Importer
    NAME = "libprefork-interp.so.1"
    begin
      dlload NAME
    rescue Fiddle::DLError # not where the linker looks: then where it was installed
      dlload File.join("@LIBDIR@", NAME)
    end

    OPTIONS = struct [
      "uint32_t size", "uint32_t flags", "int32_t max_servers", "int32_t spares", "int64_t idle_timeout_s",
      "int32_t max_errors", "int32_t log_facility", "void *name",
      "void *before_fork", "void *after_fork_in_parent", "void *after_fork_in_child", "void *fork_arg",
      "void *fork"
    ]
    CALL = struct [
      "uint32_t size", "int32_t argc", "void *argv", "void *env", "void *interp", "void *script",
      "uint8_t seed[32]", "uint64_t serial"
    ]

    # A struct of zeros that knows its size, as those of the library want to begin.
    def self.zeroed(type)
      memory = Fiddle::Pointer.malloc(type.size, Fiddle::RUBY_FREE)
      memory[0, type.size] = "\0" * type.size
      type.new(memory).tap { |made| made.size = type.size }
    end

    # With the interpreter's lock: what forks in here must come back as the thread that has it.
    def self.function(name, *takes, from: handler)
      Fiddle::Function.new(from[name], takes, Fiddle::TYPE_INT, need_gvl: true)
    end

    FIRST_OWN = 64 # the first number of a descriptor that no caller's meets

    # Ruby's own, which alone makes anew what of the interpreter a fork does not copy. For that it opens
    # descriptors in the child; the lower numbers are taken then, so that the caller's do not meet them.
    FORK = Fiddle::Closure::BlockCaller.new(Fiddle::TYPE_INT, [Fiddle::TYPE_VOIDP]) do
      nil until (fd = IO.sysopen(File::NULL)) >= FIRST_OWN
      IO.for_fd(fd).close
      Process.fork || 0
    rescue SystemCallError => error
      -error.errno
    end
    MANAGED = function("pfi_managed")
    ALSO_CHECK = function("pfi_also_check", Fiddle::TYPE_CONST_STRING)
    INIT_COMPLETE = function("pfi_init_complete", *[Fiddle::TYPE_VOIDP] * 3, Fiddle::TYPE_SIZE_T)
    LIBC = Fiddle::Handle::DEFAULT
    DUP2 = function("dup2", *[Fiddle::TYPE_INT] * 2, from: LIBC)
    SIGACTION = function("sigaction", Fiddle::TYPE_INT, *[Fiddle::TYPE_VOIDP] * 2, from: LIBC)
    SIGMASK = function("pthread_sigmask", Fiddle::TYPE_INT, *[Fiddle::TYPE_VOIDP] * 2, from: LIBC)
    SIG_SETMASK = 2
    SIGNAL_BYTES = 256 # at least of a sigset_t, and of a struct sigaction, which sa_handler begins

    # Whether this process ignores a signal: Signal.trap knows only what Ruby itself has set.
    def self.ignored?(number)
      old = "\0" * SIGNAL_BYTES
      SIGACTION.call(number, nil, old)
      old.unpack1("J") == 1 # SIG_IGN
    end

    # As a new Ruby does.
    def self.unblock_signals
      SIGMASK.call(SIG_SETMASK, "\0" * SIGNAL_BYTES, nil)
    end
  end
end
