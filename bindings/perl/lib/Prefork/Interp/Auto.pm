# SPDX-License-Identifier: MIT
package Prefork::Interp::Auto;

# For scripts that know nothing of the launcher: perl -MPrefork::Interp::Auto SCRIPT, which
# is what prefork-interp --preload=auto runs. Loads what the script loaded in its last calls
# and becomes the server, before Perl has read the script's first line; each executor then
# reads and runs the file itself, as the main program that it is. (The file is open already,
# and each of them has its own place in it.)
#
# What a call loaded beyond that is noted, in a file whose change makes the server stale.

use strict;
use warnings;

use Prefork::Interp ();

my $NAMES_MAX = 2000;

# One file a script, below the user's own cache; undef where there is no place for it.
sub notes {
	my ($script) = @_;
	my $cache = $ENV{XDG_CACHE_HOME} || ($ENV{HOME} ? "$ENV{HOME}/.cache" : return);
	require Cwd;
	my $path = Cwd::abs_path($script) // return;
	$path =~ s/([^A-Za-z0-9._-])/sprintf '%%%02x', ord $1/ge;
	return if length $path > 200;
	return "$cache/prefork/perl/$path";
}

sub read_names {
	my ($notes) = @_;
	open my $file, '<', $notes or return;
	return unless -O $file;
	chomp(my @names = <$file>);
	return grep { m{\A[\w/.-]+\z} and !m{(?:\A|/)\.\.(?:/|\z)} and !m{\A/} } @names;
}

# The whole file or none: other executors may be about to do the same.
sub write_names {
	my ($notes, @names) = @_;
	my $dir = '';
	for my $part (split m{/}, ($notes =~ m{\A(.*)/})[0]) {
		$dir .= "$part/";
		mkdir $dir, 0700 if !-d $dir;
	}
	open my $file, '>', "$notes.$$" or return;
	print $file map { "$_\n" } @names;
	close $file and rename "$notes.$$", $notes or unlink "$notes.$$";
	return;
}

my ($executor, $notes, %noted, %loaded);

END {
	if ($executor and $executor == $$ and defined $notes) {
		my @names = sort grep { m{\.p[ml]\z} and m{\A[\w/.-]+\z} and !m{\A/} } keys %INC;
		my $status = $?;
		my @new = grep { !$loaded{$_} and !$noted{$_} } @names;    # some cannot be loaded ahead
		@names = sort keys %{{%noted, map { $_ => 1 } @names}};
		write_names($notes, @names) if @new and @names <= $NAMES_MAX;
		$? = $status;
	}
}

sub is_other {
	my ($one, $other) = map { defined ? "=$_" : '' } @_;
	return $one ne $other;
}

# What loading set is set in each call whose environment has there what set-up's had. Where it
# has something else nobody knows what loading would have made of that: it stays.
sub set_again {
	my ($before, $changed) = @_;
	for my $name (grep { !is_other($ENV{$_}, $before->{$_}) } keys %$changed) {
		if (defined $changed->{$name}) { $ENV{$name} = $changed->{$name} }
		else                           { delete $ENV{$name} }
	}
	return;
}

sub import {
	return if !Prefork::Interp::managed();
	my $script = $0;
	$notes = notes($script);
	%noted = map { $_ => 1 } defined $notes ? read_names($notes) : ();
	my %before = %ENV;
	for my $name (sort keys %noted) {
		local ($@, $SIG{__DIE__}, $SIG{__WARN__});    # not $!, as no other loading leaves it
		$SIG{__WARN__} = sub { };
		eval { package main; require $name; 1 } or delete $INC{$name};    # a file without a package is the script's
	}
	Prefork::Interp::prefork_autoreload_also_check($notes) if defined $notes;
	%loaded = map { $_ => 1 } keys %INC;
	my %changed = map { $_ => $ENV{$_} } grep { is_other($ENV{$_}, $before{$_}) } keys %{{%before, %ENV}};
	return if !Prefork::Interp::prefork_initialisation_complete();
	set_again(\%before, \%changed);
	$executor = $$;
	return;
}

1;
