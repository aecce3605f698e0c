# SPDX-License-Identifier: MIT
package Proc::Prefork::Interp;

# The known module's name and call, over our library: in a folder of its own, so that only
# who puts it on the path (PERL5LIB, -I, use lib) has it instead of the other one.
use strict;
use warnings;

use Prefork::Interp ();

our $VERSION = '0.1.0';
my $MAX_SERVERS = 4;    # the known module's default; ours is more

sub import {
	my $into = caller;
	no strict 'refs';
	*{"${into}::$_"} = \&$_ for qw(prefork_initialisation_complete prefork_autoreload_also_check);
}

*prefork_autoreload_also_check = \&Prefork::Interp::prefork_autoreload_also_check;

sub prefork_initialisation_complete {
	return Prefork::Interp::prefork_initialisation_complete(max_servers => $MAX_SERVERS, @_);
}

1;
