# SPDX-License-Identifier: MIT
# The script of the differential suite, in Perl: says or does one thing about where it runs.
use strict;
use warnings;
use Config;
use Cwd ();
use File::Temp ();
use JSON::PP ();
use POSIX ();

my $touched = rand;    # so that a generator that is not seeded anew shows
#READY

{
	package Thing;
	sub new { my ($class, $name) = @_; return bless {name => $name}, $class }
	sub DESTROY { print "gone $_[0]{name} ${^GLOBAL_PHASE}\n" }
}

our ($kept, $file);
my ($lexical, $say_end);
END { print "END $?\n" if $say_end }

sub fact {
	my ($name) = @_;
	open my $status, '<', '/proc/self/status' or die;
	while (my $line = <$status>) {
		return $1 if $line =~ /\A$name:\s*(.*)/;
	}
}

my %do = (
	argv => sub { print JSON::PP->new->encode([@ARGV[1 .. $#ARGV]]), " $0\n" },
	count => sub { my $n = 0; $n += length for @ARGV; print scalar(@ARGV), " $n\n" },
	env => sub { print JSON::PP->new->canonical->latin1->encode(\%ENV), "\n" },
	child_env => sub { system '/usr/bin/env', '-0' },
	place => sub {
		printf "%s %o %d %s %d\n", Cwd::getcwd(), umask, getpriority(0, 0),
			join(' ', sort split / /, $)), $<;
	},
	limits => sub { open my $f, '<', '/proc/self/limits' or die; print <$f> },
	signals => sub {
		print join(' ', map { fact($_) } qw(SigBlk SigIgn SigCgt)), ' ',
			join(',', map { $SIG{$_} // 'undef' } sort grep { /\A[A-Z]+\d?\z/ } keys %SIG), "\n";
	},
	fds => sub {
		opendir my $dir, '/proc/self/fd' or die;
		my $own = POSIX::dup(0);    # the lowest free number, and no use of the directory's own
		POSIX::close($own) if defined $own;
		for my $n (sort { $a <=> $b } grep { /\A\d+\z/ } readdir $dir) {
			my $what = readlink "/proc/self/fd/$n" // next;
			next if $n >= 64 && $what =~ /\Asocket:/;    # the executor's own, as the manual says
			print "$n ", $what =~ s/:.*//r, "\n" unless $what =~ m{\A/proc/\d+/fd\z};
		}
	},
	read_fd => sub { open my $f, '<', $ARGV[1] or die "$!\n"; print <$f> },
	cat => sub { $| = 1; binmode STDIN; binmode STDOUT; my $b; print $b while sysread STDIN, $b, 65536 },
	lines => sub { while (my $line = <STDIN>) { chomp $line; print "got $line\n" } },
	standard => sub {
		no warnings;
		print STDERR join(' ', map { (-t $_ ? 'tty' : 'no'), fileno($_) // 'none', tell($_) }
			*STDIN, *STDOUT, *STDERR), " $|\n";
	},
	position => sub { read STDIN, my $b, 4; print $b, tell(STDIN), "\n" },
	close_out => sub { $| = 1; print "before\n"; POSIX::close(1); 1 while <STDIN> },
	leave => sub { exit $ARGV[1] },
	leave_with_words => sub { die "words\n" },
	raise_exit => sub { POSIX::_exit($ARGV[1]) },
	fail => sub { my $x = 1; my $y = $x - 1; print $x / $y },
	die => sub { my ($n) = $ARGV[1]; $n == 9 or $n == 19 or POSIX::sigaction($n, POSIX::SigAction->new('DEFAULT')); kill $n, $$; POSIX::pause() },
	wait_for_signal => sub {
		my $name = (split ' ', $Config::Config{sig_name})[$ARGV[1]];
		$SIG{$name} = sub { $| = 1; print "got $ARGV[1]\n"; exit 5 };
		$| = 1;
		my ($one, $before) = (POSIX::SigSet->new($ARGV[1]), POSIX::SigSet->new);
		POSIX::sigprocmask(POSIX::SIG_BLOCK, $one, $before);    # one that comes before the wait is not missed by it
		print "ready\n";
		POSIX::sigsuspend($before) while 1;
	},
	become => sub { $| = 1; exec @ARGV[1 .. $#ARGV] or die "$!\n" },
	background => sub {
		my $pid = fork // die;
		if (!$pid) {
			open STDOUT, '>', '/dev/null';
			open STDERR, '>', '/dev/null';
			exec 'sh', '-c', "read x; echo late > $ARGV[1]" or POSIX::_exit(1);
		}
		print $pid > 0 ? "True\n" : "False\n";
	},
	tty => sub {
		open my $terminal, '+<', '/dev/tty' or die "$!\n";
		syswrite $terminal, "to the terminal\n";
		print -t $terminal ? 'True' : 'False', ' ',
			POSIX::tcgetpgrp(fileno $terminal) == getpgrp() ? 'True' : 'False', "\n";
	},
	ends => sub {
		$kept = Thing->new('kept');
		$lexical = Thing->new('lexical');
		my $ring = Thing->new('ring');
		$ring->{ring} = $ring;
		open $file, '>', $ARGV[1] or die;
		print $file 'unflushed';
		$say_end = 1;
		print 'no newline';
	},
	chance => sub { print "$touched ", rand, ' ', int rand 1e15, ' ', File::Temp::tempnam('/tmp', 'x'), "\n" },
	pipe_broken => sub { print "line $_\n" for 0 .. 99999 },
	clock => sub { POSIX::tzset(); print join(' ', POSIX::tzname(), (localtime 0)[2]), ' ', time - $^T < 3 ? 'now' : 'then', "\n" },
	name => sub { print "$0 ", __PACKAGE__, ' ', $^W, "\n" },
);

$do{$ARGV[0]}->();
