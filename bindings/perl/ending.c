/* SPDX-License-Identifier: MIT */

#include "ending.h"

#include <stdbool.h>

/*
 * To look for objects means to read every SV: 0.5 ms for 70,000 of them. It is not
 * needed while nothing was compiled since the start, no class with a destructor
 * has more or fewer objects (each holds its class), and no marked object has gone.
 */
struct class
{
	HV *stash; /* a reference */
	U32 references;
};

static struct class *classes; /* of marked objects, and all others with a destructor */
static size_t n_classes;
static bool must_look;
static U32 compiled; /* PL_cop_seqmax when the executor began */

static int marked_object_freed(pTHX_ SV *sv, MAGIC *mg)
{
	PERL_UNUSED_CONTEXT;
	PERL_UNUSED_ARG(sv);
	PERL_UNUSED_ARG(mg);
	must_look = true;
	return 0;
}

static const MGVTBL mark = {.svt_free = marked_object_freed};

/* Regexp's does nothing, and every qr// is one. */
static CV *destructor_of(pTHX_ HV *stash)
{
	if (HvNAMELEN(stash) <= 0 || stash == gv_stashpvs("Regexp", 0))
		return NULL;
	GV *gv = gv_fetchmethod_autoload(stash, "DESTROY", TRUE);
	return gv ? GvCV(gv) : NULL;
}

/* Runs @visit for every object whose class has a destructor. */
static void each_object(pTHX_ void (*visit)(pTHX_ SV *object, CV *destructor))
{
	HV *stash = NULL;
	CV *destructor = NULL;

	for (SV *arena = PL_sv_arenaroot; arena; arena = (SV *)SvANY(arena)) {
		SV *end = arena
			  + SvREFCNT(arena); /* an arena's head holds its length there */
		for (SV *sv = arena + 1; sv < end; sv++) {
			if (!SvOBJECT(sv) || SvIS_FREED(sv) || !SvREFCNT(sv))
				continue;
			if (SvSTASH(sv) != stash) {
				stash = SvSTASH(sv);
				destructor = destructor_of(aTHX_ stash);
			}
			if (destructor)
				visit(aTHX_ sv, destructor);
		}
	}
}

static void mark_object(pTHX_ SV *object, CV *destructor)
{
	PERL_UNUSED_ARG(destructor);
	sv_magicext(object, NULL, PERL_MAGIC_ext, &mark, NULL, 0);
}

/* An object in a variable of the script itself is the script's. */
static void unmark_the_scripts(pTHX)
{
	HE *entry;

	hv_iterinit(PL_defstash);
	while ((entry = hv_iternext(PL_defstash))) {
		SV *gv = HeVAL(entry);
		if (!isGV_with_GP(gv) || !GvSV(gv) || !SvROK(GvSV(gv)))
			continue;
		SV *object = SvRV(GvSV(gv));
		if (!mg_findext(object, PERL_MAGIC_ext, &mark))
			continue;
		sv_unmagicext(object, PERL_MAGIC_ext, (MGVTBL *)&mark);
		must_look = true;
	}
}

/* Notes @stash, and every package below it, that has a destructor. */
static void note_classes(pTHX_ HV *stash)
{
	HE *entry;

	if (destructor_of(aTHX_ stash)) {
		Renew(classes, n_classes + 1, struct class);
		classes[n_classes++].stash = (HV *)SvREFCNT_inc_simple((SV *)stash);
	}
	hv_iterinit(stash);
	while ((entry = hv_iternext(stash))) {
		I32 len;
		const char *name = hv_iterkey(entry, &len);
		SV *gv = HeVAL(entry);
		bool package = len > 2 && name[len - 1] == ':' && name[len - 2] == ':';
		if (package && isGV_with_GP(gv) && GvHV(gv) && GvHV(gv) != PL_defstash)
			note_classes(aTHX_ GvHV(gv));
	}
}

void ending_prepare(pTHX)
{
	note_classes(aTHX_ PL_defstash);
	each_object(aTHX_ mark_object);
	must_look = false;
	unmark_the_scripts(aTHX);
}

void ending_start(pTHX)
{
	compiled = PL_cop_seqmax;
	for (size_t i = 0; i < n_classes; i++)
		classes[i].references = SvREFCNT(classes[i].stash);
}

static bool objects_may_be_there(pTHX)
{
	if (must_look || PL_cop_seqmax != compiled)
		return true;
	for (size_t i = 0; i < n_classes; i++)
		if (SvREFCNT(classes[i].stash) != classes[i].references)
			return true;
	return false;
}

/* The file's lexicals: in a cold run they go first, before the phase is DESTRUCT. */
static void let_lexicals_go(pTHX)
{
	PADLIST *list = PL_main_cv ? CvPADLIST(PL_main_cv) : NULL;

	if (!list || PadlistMAX(list) < 1)
		return;
	PADNAMELIST *names = PadlistNAMES(list);
	PAD *pad = PadlistARRAY(list)[1];
	for (SSize_t i = 1; i <= PadnamelistMAX(names) && i <= PadMAX(pad); i++) {
		PADNAME *name = PadnamelistARRAY(names)[i];
		SV *sv = PadARRAY(pad)[i];
		if (!sv || !name || !PadnameLEN(name) || PadnameOUTER(name))
			continue;
		PadARRAY(pad)[i] = newSV(0);
		SvREFCNT_dec(sv);
	}
}

static void destroy(pTHX_ SV *object, CV *destructor)
{
	dSP;

	if (mg_findext(object, PERL_MAGIC_ext, &mark))
		return;
	ENTER;
	SAVETMPS;
	PUSHMARK(SP);
	XPUSHs(sv_2mortal(newRV_inc(object)));
	PUTBACK;
	call_sv((SV *)destructor, G_DISCARD | G_EVAL | G_KEEPERR | G_VOID);
	FREETMPS;
	LEAVE;
}

void ending_run(pTHX)
{
	let_lexicals_go(aTHX);
	PL_phase = PERL_PHASE_DESTRUCT;
	if (objects_may_be_there(aTHX))
		each_object(aTHX_ destroy);
	errno = 0;
	if (PerlIO_flush(PerlIO_stdout()) != 0 && errno) {
		if (STATUS_EXIT == 0)
			STATUS_EXIT_SET(1);
		PerlIO_printf(
			PerlIO_stderr(), "Unable to flush stdout: %s\n", Strerror(errno));
	}
	my_fflush_all();
}
