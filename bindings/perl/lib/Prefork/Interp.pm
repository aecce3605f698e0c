# SPDX-License-Identifier: MIT
package Prefork::Interp;

use strict;
use warnings;

our $VERSION = '0.1.0';

# Not by Exporter, and XS only where there is a launcher: a plain run loads next to nothing.
my @EXPORT = qw(prefork_initialisation_complete prefork_autoreload_also_check);

sub import {
	my $into = caller;
	no strict 'refs';
	*{"${into}::$_"} = \&$_ for @EXPORT;
}

my @also_check;

sub managed {
	return 0 unless defined $ENV{PREFORK_INTERP};
	if (!defined &_managed) {
		require XSLoader;
		XSLoader::load('Prefork::Interp', $VERSION);
	}
	return _managed();
}

sub prefork_autoreload_also_check {
	push @also_check, @_;
	return;
}

# Every file that was loaded, and every path where it was looked for before it was found.
sub loaded_files {
	my %found;
	for my $name (keys %INC) {
		my $path = $INC{$name};
		next if !defined $path or ref $path;
		$found{$path} = 1;
		next if $path !~ /\Q$name\E\z/;
		for my $dir (grep { !ref } @INC) {
			my $candidate = "$dir/$name";
			last if $candidate eq $path;
			$found{-d $dir ? $candidate : $dir} = 1;
		}
	}
	no warnings 'once';
	$found{$_} = 1 for @DynaLoader::dl_shared_objects;
	return keys %found;
}

# LOG_FACILITY of syslog(3), by its name as Sys::Syslog has it, or by number.
my %FACILITY = (
	kern => 0, user => 1, mail => 2, daemon => 3, auth => 4, syslog => 5, lpr => 6, news => 7,
	uucp => 8, cron => 9, authpriv => 10, ftp => 11, map { ("local$_" => 16 + $_) } 0 .. 7,
);

sub facility {
	my ($given) = @_;
	return 0 if !defined $given or $given eq '';
	return $given if $given =~ /\A\d+\z/;
	(my $name = lc $given) =~ s/\Alog_//;
	die "prefork_initialisation_complete: no such log facility: $given\n" if !exists $FACILITY{$name};
	return $FACILITY{$name} << 3;
}

sub warn_of_threads {
	my $n = $INC{'threads.pm'} ? threads->list : 0;
	print STDERR "prefork-interp: $0: $n threads are not in the calls that follow\n" if $n;
	return;
}

my %KNOWN = map { $_ => 1 } qw(max_servers idle_timeout autoreload_inc autoreload_extra max_errors log_facility
	spares reload_behind forks_threads name);

# Set-up is done: become the server. Returns true in executors, false where nothing manages the process.
sub prefork_initialisation_complete {
	my ($left, %opts) = ($!, @_);
	for my $name (sort keys %opts) {
		die "prefork_initialisation_complete: no such option: $name\n" if !$KNOWN{$name};
	}
	my $facility = facility($opts{log_facility});
	return 0 if !managed();

	warn_of_threads() unless $opts{forks_threads};
	_also_check(loaded_files()) if $opts{autoreload_inc} // 1;
	my $extra = $opts{autoreload_extra};
	_also_check(@also_check, ref $extra ? @$extra : grep { defined } $extra);
	my $flags = ($opts{reload_behind} ? 1 : 0) | ($opts{forks_threads} ? 4 : 0);
	$! = $left;    # as a plain run would find it
	return _become($flags, $opts{max_servers} // 0, $opts{spares} // 0, $opts{idle_timeout} // 0,
		$opts{max_errors} // 0, $facility, $opts{name});
}

1;
