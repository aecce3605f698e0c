/* SPDX-License-Identifier: MIT */

/*
 * interp - the part of the Perl binding that only C can do: call the library, make
 * the interpreter's own copies of arguments, environment, handles and generators
 * this call's, and end an executor without taking the interpreter apart.
 *
 * Perl's documented interface where it has one; the rest is the interpreter's
 * variables, as perl.c sets them when it starts and reads them when it ends.
 * What is seen of an end is in ending.c.
 */

#include "ending.h"

#include <perliol.h>
#include <stdbool.h>
#include <time.h>

#include "interp/prefork_interp.h"

#define REASON_BYTES 256

/* Bits of PL_unicode, by perlrun(1): Perl's own names for them are not for modules. */
enum {
	UNICODE_ARGUMENTS = 32, /* -CA */
	UNICODE_BY_LOCALE = 64, /* -CL */
};

/* The executor's pid: a child that the script forked ends as any Perl does. */
static pid_t executor;

/* Under -T, what comes from outside. */
static void mark(pTHX_ SV *value)
{
	if (TAINTING_get)
		SvTAINTED_on(value);
}

/* Whether arguments are to be read as UTF-8. */
static bool reads_utf8(pTHX)
{
	return (PL_unicode & UNICODE_ARGUMENTS)
	       && (!(PL_unicode & UNICODE_BY_LOCALE) || PL_utf8locale);
}

static void take_arguments(pTHX_ const struct pfi_call *call)
{
	AV *argv = get_av("ARGV", GV_ADD);

	av_clear(argv);
	for (int32_t i = 0; i < call->argc; i++) {
		SV *word = newSVpv(call->argv[i], 0);
		if (reads_utf8(aTHX))
			(void)sv_utf8_decode(word);
		mark(aTHX_ word);
		av_push(argv, word);
	}
	/* By hand: an assignment to $0 would write over what ps shows. */
	SV *zero = get_sv("0", GV_ADD);
	if (call->script[0])
		sv_setpv(zero, call->script);
}

/* As perl.c fills %ENV: environ(7) is right already, so no element is written through. It is
 * not Perl's, which copies what it began with before it changes or frees any of it. */
static void take_environment(pTHX_ char **env)
{
	HV *hv = GvHVn(PL_envgv);
	U32 magical = SvMAGICAL(hv);

	PL_origenviron = env;
	SvMAGICAL_off(hv);
	hv_clear(hv);
	SvFLAGS(hv) |= magical;
	for (; *env; env++) {
		const char *sign = strchr(*env, '=');
		if (!sign || sign == *env)
			continue;
		SV *value = newSVpv(sign + 1, 0);
		mark(aTHX_ value);
		if (!hv_store(hv, *env, (I32)(sign - *env), value, 0))
			SvREFCNT_dec(value);
	}
}

/*
 * What %SIG says is the script's, made in set-up; the dispositions are the
 * caller's. A handler goes on top of them; where there is none, Perl looks anew.
 */
static void take_signals(pTHX)
{
	HV *sig = get_hv("SIG", GV_ADD);

	for (int n = 1; n < SIG_SIZE; n++) {
		SV *handler = PL_psig_ptr[n];
		if (!handler)
			continue;
		if (!SvOK(handler)) {
			PL_psig_ptr[n] = NULL;
			SvREFCNT_dec(handler);
			continue;
		}
		SV *copy = newSVsv(handler);
		SV **slot = hv_fetch(sig, PL_sig_name[n], (I32)strlen(PL_sig_name[n]), 1);
		if (slot)
			sv_setsv_mg(*slot, copy);
		SvREFCNT_dec(copy);
	}
}

/* What a handle learnt about its descriptor when it was opened, before the caller's came
 * there. */
static void take_handle(pTHX_ PerlIO *handle, bool output)
{
	if (!PerlIOValid(handle))
		return;
	PerlIO_clearerr(handle);
	(void)PerlIO_seek(handle, 0, SEEK_CUR); /* it fails on a pipe, as it should */
	if (!output)
		return;
	if (isatty(PerlIO_fileno(handle)))
		PerlIOBase(handle)->flags |= PERLIO_F_LINEBUF;
	else
		PerlIOBase(handle)->flags &= ~(U32)PERLIO_F_LINEBUF;
}

/* @left is $! as the loading left it: with that, if nothing else fails, die ends the script. */
static void take_over(pTHX_ const struct pfi_call *call, int left)
{
	take_arguments(aTHX_ call);
	take_environment(aTHX_ call->env);
	take_signals(aTHX);
	take_handle(aTHX_ PerlIO_stdin(), false);
	take_handle(aTHX_ PerlIO_stdout(), true);
	tzset();
	PL_basetime = time(NULL);
	PL_srand_called = FALSE; /* the next rand seeds itself */
	errno = left;
}

/* The last END block. */
XS_INTERNAL(leave)
{
	dXSARGS;

	PERL_UNUSED_VAR(items);
	if (getpid() != executor)
		XSRETURN_EMPTY;
	ending_run(aTHX);
	pfi_executor_exit(STATUS_EXIT);
}

/* The blocks that set-up has compiled stand in the list, later ones come before them. */
static void leave_behind_the_last_end_block(pTHX)
{
	if (!PL_endav)
		PL_endav = newAV();
	av_push(PL_endav, (SV *)newXS(NULL, leave, __FILE__));
}

/*
 * In an executor that waits for its call: what a call will write to is written to now,
 * because the first write to a page that is shared with the server copies it.
 */
static void rehearse(void *arg)
{
	static bool is_server = true;
	dTHXa(arg);

	if (!is_server) {
		take_environment(aTHX_ environ);
		av_clear(get_av("ARGV", GV_ADD));
		take_handle(aTHX_ PerlIO_stdin(), false);
		take_handle(aTHX_ PerlIO_stdout(), true);
		tzset();
		ending_start(aTHX);
	}
	is_server = false;
}

/* Before the first fork: all that would be the same in every executor. */
static void prepare(pTHX_ struct pfi_options *options)
{
	/* Set-up's temporaries too: freed after the fork they cost a page each. */
	ENTER;
	SAVETMPS;
	ending_prepare(aTHX);
	FREETMPS;
	LEAVE;
	options->after_fork_in_child = rehearse;
	options->fork_arg = aTHX;
}

/* _become(flags, max_servers, spares, idle_timeout, max_errors, log_facility, name) */
XS_INTERNAL(become)
{
	dXSARGS;
	char reason[REASON_BYTES] = "";
	const int left = errno;
	struct pfi_call call = {.size = sizeof(call)};

	if (items != 7)
		croak_xs_usage(cv, "flags, max_servers, spares, idle_timeout, max_errors, "
				   "log_facility, name");
	struct pfi_options options = {
		.size = sizeof(options),
		.flags = (uint32_t)SvUV(ST(0)),
		.max_servers = (int32_t)SvIV(ST(1)),
		.spares = (int32_t)SvIV(ST(2)),
		.idle_timeout_s = (int64_t)SvIV(ST(3)),
		.max_errors = (int32_t)SvIV(ST(4)),
		.log_facility = (int32_t)SvIV(ST(5)),
		.name = SvOK(ST(6)) ? SvPV_nolen(ST(6)) : NULL,
	};

	my_fflush_all();
	if (pfi_managed())
		prepare(aTHX_ & options);
	int result = pfi_init_complete(&options, &call, reason, sizeof(reason));
	if (result < 0) {
		PerlIO_printf(PerlIO_stderr(), "prefork-interp: %s: %s\n",
			SvPV_nolen(get_sv("0", GV_ADD)), reason);
		_exit(255);
	}
	if (result == PFI_UNMANAGED)
		XSRETURN_NO;
	executor = getpid();
	take_over(aTHX_ & call, left);
	ending_start(aTHX);
	leave_behind_the_last_end_block(aTHX);
	XSRETURN_YES;
}

/* _also_check(path...) */
XS_INTERNAL(also_check)
{
	dXSARGS;

	for (SSize_t i = 0; i < items; i++)
		(void)pfi_also_check(
			SvPV_nolen(ST(i))); /* one not watched is no reason to fail */
	XSRETURN_EMPTY;
}

XS_INTERNAL(managed)
{
	dXSARGS;

	PERL_UNUSED_VAR(items);
	ST(0) = boolSV(pfi_managed());
	XSRETURN(1);
}

XS_EXTERNAL(boot_Prefork__Interp);

XS_EXTERNAL(boot_Prefork__Interp)
{
	dXSBOOTARGSXSAPIVERCHK;

	PERL_UNUSED_VAR(items);
	newXS("Prefork::Interp::_managed", managed, __FILE__);
	newXS("Prefork::Interp::_also_check", also_check, __FILE__);
	newXS("Prefork::Interp::_become", become, __FILE__);
	Perl_xs_boot_epilog(aTHX_ ax);
}
