# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Scripts that start at once: say that the loading is done.
#
#     #!/usr/local/bin/prefork-interp ruby
#     require "json"                 # everything that takes long
#     require "prefork_interp"
#     PreforkInterp.ready            # returns once per call of the script
#     ...                            # ARGV, $stdin and ENV are this call's
#
# Run by anything but prefork-interp(1), ready returns false at once.
module PreforkInterp
  # Whether prefork-interp(1) started this process to become a server.
  def self.managed?
    return false unless ENV.key?("PREFORK_INTERP") # so that a plain run loads nothing more

    require_relative "prefork_interp/server"
    Server.managed?
  end

  # Set-up is done: become the server. True in executors, false where nothing manages the process.
  #
  # also_check     further paths whose change makes the server start anew
  # max_servers    how many calls run at once (0: 16; negative: no limit)
  # spares         how many executors wait, forked in advance (0: 1; negative: none)
  # idle_timeout   seconds without a call until the server ends (0: 900; negative: never)
  # reload         whether to look for files that changed
  # reload_behind  answer with the old code while the new one loads
  # forks_threads  say nothing about threads and sockets that a fork does not copy well
  def self.ready(also_check: [], max_servers: 0, spares: 0, idle_timeout: 0, max_errors: 0, log_facility: 0,
                 reload: true, reload_behind: false, forks_threads: false, name: nil)
    return false unless managed?

    flags = (reload_behind ? 1 : 0) | (reload ? 0 : 2) | (forks_threads ? 4 : 0)
    Server.new(also_check, !forks_threads).become(
      flags: flags, max_servers: max_servers, spares: spares, idle_timeout_s: idle_timeout,
      max_errors: max_errors, log_facility: log_facility, name: name
    )
    true
  end
end
