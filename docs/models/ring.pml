/* SPDX-License-Identifier: MIT */

/*
 * ring.pml - the ring's protocol (src/model/ring_wire.h), for Spin. Run by tools/check-model.
 *
 * Functions have the names they have in ring_sup.c and ring_wrk.c. What the code does
 * in one go is one step here where nobody else could see the difference: a worker can
 * be stopped or killed between any two of its steps, and what the supervisor writes to
 * shared memory and to the pipes, it writes one after the other.
 *
 *   pipe[i]       leads to worker i; pipe[N] leads home. The supervisor reads those before
 *                 which no worker is active, as look_at_pipes() does.
 *   up, down      the channels between a worker and the supervisor
 *   backlog       connections that wait at the listener
 *   queued        connections that wait in the supervisor's lobby; some come over from that of
 *                 the crew that this one replaces, whatever the state here
 *
 *   -DN=, -DSEATS=   workers, and connections each may hold
 *   -DBALANCE        placement = balance
 *   -DLONG           the scenarios (in init) that take minutes
 *   -DONLY=a,b,...   this one scenario
 *   -DCYCLES         without look_at_rest()
 *   -DMUTANT_...     a defect, to see that it is found
 *
 * With three workers (tools/check-model three) each of the shorter scenarios by itself has been
 * searched to its end by a hash of each state: up to 35 million states, 2 GiB and five minutes.
 * So a state may have been taken for another, which with so many happens once in some hundred
 * searches. With one connection and two faults it was 34 million. Not ended: three workers,
 * two connections and a drain; and one, one that comes over and a fault.
 *
 * Claims: one live token per epoch (enter); what look_at_rest() says; and that the protocol
 * never only keeps itself busy: what the world does is counted and ends, so with -DCYCLES
 * any cycle at all is a defect. Not in it: descriptors that run out, and deadlines of the
 * queue.
 */

#ifndef N
#define N 2
#endif
#ifndef SEATS
#define SEATS 1
#endif
#ifdef BALANCE
#define placed_in_turn true
#else
#define placed_in_turn false
#endif
#define QUEUE     2
#define EPOCHS    12 /* more than any run has: they are never used again */
#define PIPE_ROOM 5
#define UP_ROOM   4
#define DOWN_ROOM 3
#define NONE      255 /* holder: the token is on its way */
#define SUP       254 /* it is at the supervisor */

mtype = { ALLOW, ASK, CLOSE };               /* tokens; ASK is ALLOW | CONFIRM */
mtype = { READY, TAKEN, FULL, ROOM, BACK };  /* worker to supervisor */
mtype = { PING, CONN, DRAIN };               /* supervisor to worker */
mtype = { OUT, ASKING, PARKED, CLOSING };    /* ring_state */
mtype = { BORN, IDLE, READ, CURRENT, PASSING, PERMITTED }; /* a worker, between two steps */

typedef slot_t {
	/* as the supervisor knows it */
	bit ready;     /* SLOT_READY */
	bit gone;      /* its pidfd is readable */
	bit suspended;
	bit given;     /* a connection is on its way to it */
	bit told;      /* to finish */
	/* the process */
	bit alive;
	bit stopped;
	mtype at;
	mtype hand;    /* the token it has read */
	byte hand_epoch;
	bit allowed;
	byte epoch;    /* of the token it holds */
	byte free;     /* seats */
	byte quiet;    /* connections between two requests, which can give way */
	bit draining;
};

slot_t w[N];
chan pipe[N + 1] = [PIPE_ROOM] of { mtype, byte };
chan up[N] = [UP_ROOM] of { mtype };
chan down[N] = [DOWN_ROOM] of { mtype };

/* struct ring_shared */
byte epoch = 1, holder = SUP;
byte confirming = 1; /* the epoch in which it is asked who has room; 0 */

/* the supervisor's own */
mtype state = PARKED;
bit room_reported = 0, sup_draining = 0, settled = 0;
byte queued = 0;

/* the world, and how much is still to come of it */
byte backlog = 0;
byte arrivals;         /* connections */
byte wakes;            /* how often one that is idle asks something more */
bit keeps;             /* connections may be idle */
byte faults;           /* kills, and stops: who is stopped may go on, or not */
byte comes_over;       /* connections from the queue of the crew that this one replaces */
byte early;            /* leases that run out though nobody is at fault, on a slow machine */
bit drains;            /* the crew may be told to finish */
bit at_fault = 0;      /* something of the kind has been */
byte people = 0;       /* connections that have come and neither ended nor died with a worker */
byte live[EPOCHS];     /* tokens that allow, of each epoch, wherever they are */

#define active(i)   (w[i].ready && !w[i].suspended)
#define runs(i)     (w[i].alive && !w[i].stopped)
#define does(i, x)  (runs(i) && w[i].at == x)
#define any_room(i) (w[i].free + w[i].quiet > 0)
#define can_tell(i) (len(up[i]) + 2 <= UP_ROOM) /* else it waits for the supervisor to read */

/* A token comes to be somewhere, and stops being there. */
inline enter(what, of_epoch)
{
	if
	:: what != CLOSE -> live[of_epoch]++; assert(live[of_epoch] == 1)
	:: else
	fi
}

inline leave(what, of_epoch)
{
	if
	:: what != CLOSE -> assert(live[of_epoch] == 1); live[of_epoch]--
	:: else
	fi
}

inline put(to, what, of_epoch)
{
	enter(what, of_epoch);
	assert(len(pipe[to]) < PIPE_ROOM);
	pipe[to]!what, of_epoch
}

/* ---- a worker ---- */

/* freed(): it may have room now */
inline freed(i)
{
	if
	:: confirming && !w[i].draining && any_room(i) -> up[i]!ROOM
	:: else
	fi
}

/* accept_wrk_take(): into a free seat, or into that of one that is idle */
inline take(i)
{
	if
	:: w[i].free > 0 -> w[i].free--
	:: else -> assert(w[i].quiet > 0); w[i].quiet--; people--
	fi
}

inline pass_on(i) /* two steps: see PASSING */
{
	if
	:: w[i].allowed ->
		w[i].allowed = 0;
		holder = NONE;
		w[i].at = PASSING
	:: else
	fi
}

proctype worker(byte i)
{
	mtype t;
	byte e;

end:	do
	:: atomic { does(i, BORN) -> up[i]!READY; w[i].at = IDLE }
	/* read_tokens(): what was read is compared, and then acted on */
	:: atomic { does(i, IDLE) && len(pipe[i]) > 0 ->
		pipe[i]?t, e;
		w[i].hand = t;
		w[i].hand_epoch = e;
		w[i].at = READ }
	:: atomic { does(i, READ) ->
		if
		:: w[i].hand_epoch == epoch -> w[i].at = CURRENT
		:: else -> leave(w[i].hand, w[i].hand_epoch); w[i].at = IDLE
		fi }
	/* handle(), take_token() */
	:: atomic { does(i, CURRENT) ->
		t = w[i].hand;
		e = w[i].hand_epoch;
		w[i].at = IDLE;
		leave(t, e);
		if
		:: t == CLOSE ->
			put(i + 1, CLOSE, e);
			w[i].draining = 1;
			pass_on(i)
		:: t != CLOSE && (w[i].draining || (w[i].free == 0 && !(t == ASK && w[i].quiet > 0))) ->
			put(i + 1, t, e)
		:: else ->
			if /* one of an older epoch that it never noticed to be over */
			:: w[i].allowed -> leave(ALLOW, w[i].epoch)
			:: else
			fi;
			enter(ALLOW, e);
			w[i].allowed = 1;
			w[i].epoch = e;
			holder = i;
			if /* ask_no_more() */
#ifdef MUTANT_ANSWERED_IN_AN_OLD_EPOCH
			:: t == ASK -> confirming = 0
#else
			:: t == ASK && confirming == e -> confirming = 0
#endif
			:: else
			fi
		fi }
	:: atomic { does(i, PASSING) ->
		leave(ALLOW, w[i].epoch);
		put(i + 1, ALLOW, w[i].epoch);
		w[i].at = IDLE }
	/* permitted(), the pipe before the listener; and then accept4() */
	:: atomic { does(i, IDLE) && len(pipe[i]) == 0 && w[i].allowed && backlog > 0 && can_tell(i) ->
		if
		:: w[i].epoch == epoch -> w[i].at = PERMITTED
		:: else -> /* forget_token() */
			leave(ALLOW, w[i].epoch);
			w[i].allowed = 0;
			up[i]!BACK
		fi }
	:: atomic { does(i, PERMITTED) ->
		w[i].at = IDLE;
		if
		:: backlog > 0 && any_room(i) ->
			backlog--;
			take(i);
			if
			:: placed_in_turn || w[i].free == 0 -> pass_on(i)
			:: else
			fi
		:: !any_room(i) -> pass_on(i)
		:: else /* somebody else took it */
		fi }
	/* a connection is answered, and ends or not; one that is idle asks again */
	:: atomic { does(i, IDLE) && w[i].free + w[i].quiet < SEATS && can_tell(i) ->
		if
		:: true -> w[i].free++; people--
		:: keeps && !w[i].draining -> w[i].quiet++
		fi;
		freed(i) }
	:: atomic { does(i, IDLE) && w[i].quiet > 0 && wakes > 0 ->
		wakes--;
		w[i].quiet-- }
	/* ring_wrk_message() */
	:: atomic { does(i, IDLE) && len(down[i]) > 0 && can_tell(i) ->
		if
		:: down[i]?PING -> up[i]!BACK; freed(i)
		:: down[i]?CONN -> /* take_given() */
			if
			:: w[i].draining || !any_room(i) -> up[i]!FULL
			:: else -> up[i]!TAKEN; take(i); freed(i)
			fi
		:: down[i]?DRAIN ->
			w[i].draining = 1;
			pass_on(i)
		fi }
	/* draining: accept_wrk_drain(), worker_look() */
	:: atomic { does(i, IDLE) && w[i].draining && w[i].quiet > 0 -> w[i].quiet--; w[i].free++; people-- }
	:: atomic { does(i, IDLE) && w[i].draining && w[i].free == SEATS ->
		w[i].alive = 0;
		w[i].gone = 1 }
	od
}

/* ---- the supervisor ---- */

inline spawn(i)
{
	w[i].alive = 1;
	w[i].stopped = 0;
	w[i].at = BORN;
	w[i].allowed = 0;
	w[i].free = SEATS;
	w[i].quiet = 0;
	w[i].told = 0;
	w[i].draining = 0
}

inline go_out(first)
{
	state = OUT;
	confirming = 0;
	holder = NONE;
	t = ALLOW;
	e = epoch;
	s = first;
	forward()
}

/* forward() and home(): the token in t and e goes to the first active worker from s on; where
 * there is none it has come home, and what follows from that is another token. */
inline forward()
{
	do
	:: s < N -> atomic {
		if
		:: active(s) -> put(s, t, e); break
		:: else -> s++
		fi }
	:: s == N && t == CLOSE -> settled = 1; break
	:: s == N && t == ALLOW -> /* ask() */
		atomic { state = ASKING; room_reported = 0 };
#ifndef MUTANT_ASKED_TOO_LATE
		confirming = epoch;
#endif
		atomic { holder = NONE; t = ASK; e = epoch; s = 0 }
#ifdef MUTANT_NEVER_PARKED
	:: s == N && t == ASK ->
#else
	:: s == N && t == ASK && room_reported ->
#endif
		atomic { state = OUT; t = ALLOW; s = 0 };
		confirming = 0;
		atomic { holder = NONE; e = epoch }
#ifndef MUTANT_NEVER_PARKED
	:: s == N && t == ASK && !room_reported -> /* park() */
#ifdef MUTANT_ASKED_TOO_LATE
		confirming = epoch;
#endif
		atomic { state = PARKED; holder = SUP; break }
#endif
	od
}

inline next_epoch()
{
	atomic { epoch++; assert(epoch < EPOCHS) }
}

inline send_close()
{
	state = CLOSING;
#ifndef MUTANT_CLOSE_IN_AN_OLD_EPOCH
	next_epoch();
#endif
	atomic { holder = NONE; t = CLOSE; e = epoch; s = 0 };
	forward()
}

inline recall()
{
	next_epoch();
	confirming = epoch;
	atomic { state = PARKED; room_reported = 0; holder = SUP; each = 0;
		do
		:: each < N ->
			if
			:: w[each].ready && len(down[each]) < DOWN_ROOM -> down[each]!PING
			:: else
			fi;
			each++
		:: else -> each = 0; break
		od }
}

#if N == 2
#define any_given (w[0].given || w[1].given)
#else
#define any_given (w[0].given || w[1].given || w[2].given)
#endif

inline dispatch()
{
	if
#ifndef MUTANT_NOT_CALLED_BACK
	:: queued > 0 && (state == OUT || state == ASKING || (state == PARKED && room_reported)) -> recall()
#endif
	:: else
	fi;
	if
	:: sup_draining && queued == 0 && !any_given && state != CLOSING -> send_close()
	:: else
	fi
}

inline room(i)
{
	if
	:: state == ASKING -> room_reported = 1
	:: state == PARKED && !w[i].given && queued > 0 ->
		atomic {
			if
			:: len(down[i]) < DOWN_ROOM -> down[i]!CONN; queued--; w[i].given = 1
			:: else
			fi
		}
	:: state == PARKED && !w[i].given && queued == 0 && !sup_draining -> go_out(i)
#ifndef MUTANT_ROOM_FORGOTTEN
	:: state == PARKED && !w[i].given && queued == 0 && sup_draining -> room_reported = 1
#endif
	:: else
	fi
}

inline suspend(i)
{
	if
	:: active(i) ->
		w[i].suspended = 1;
		if
		:: len(down[i]) < DOWN_ROOM -> down[i]!PING
		:: else
		fi
	:: else
	fi
}

/* Nobody has anything to do: what happens next comes from the world, or from a timer. */
#define still(i) ((!runs(i) || (w[i].at == IDLE && len(pipe[i]) == 0 && len(down[i]) == 0 \
		&& !(w[i].allowed && backlog > 0) \
		&& !(w[i].draining && w[i].free + w[i].quiet == SEATS))) \
	&& len(up[i]) == 0 && !w[i].gone && (active(i) || len(pipe[i]) == 0) \
	&& !(settled && untold(i)))
#define untold(i)      (w[i].alive && !w[i].told)
#define has_room(i)    (runs(i) && w[i].ready && !w[i].draining && any_room(i))
#define left_out(i)    (runs(i) && w[i].suspended)
#define people_at(i)   (w[i].given + (w[i].alive -> SEATS - w[i].free : 0))
#define sup_still      (len(pipe[N]) == 0 \
	&& !(state == PARKED && backlog > 0 && queued < QUEUE && !sup_draining))
#if N == 2
#define at_rest        (sup_still && still(0) && still(1))
#define somebody_has   (has_room(0) || has_room(1))
#define somebody_out   (left_out(0) || left_out(1))
#define stopped_ones   (w[0].stopped || w[1].stopped)
#define people_inside  (people_at(0) + people_at(1))
#else
#define at_rest        (sup_still && still(0) && still(1) && still(2))
#define somebody_has   (has_room(0) || has_room(1) || has_room(2))
#define somebody_out   (left_out(0) || left_out(1) || left_out(2))
#define stopped_ones   (w[0].stopped || w[1].stopped || w[2].stopped)
#define people_inside  (people_at(0) + people_at(1) + people_at(2))
#endif

inline look_at_rest()
{
	assert(!(queued > 0 && somebody_has && state != CLOSING && !settled)); /* he waits beside a seat */
	assert(!(state == PARKED && somebody_has && !sup_draining));  /* room that nobody knows of */
	assert(!(queued > 0 && (state == OUT || state == ASKING)));   /* nobody would look at the queue */
	assert(!somebody_out);                                        /* it lives, and is left out for ever */
	assert(at_fault || !(state == OUT || state == ASKING) || live[epoch] == 1); /* a token lost */
	assert(stopped_ones || people == backlog + queued + people_inside);         /* a connection lost */
	assert(!(state == CLOSING && !settled && !stopped_ones));     /* CLOSE did not come round */
	assert(!(sup_draining && state != CLOSING && !settled && queued == 0 && !any_given)) /* nor begin */
}

/* on_pipe(), for a pipe that no worker reads */
#define hear(p, of_nobody) atomic { of_nobody && len(pipe[p]) > 0 -> pipe[p]?t, e; leave(t, e); s = p }; \
		if \
		:: e == epoch -> forward() \
		:: else \
		fi

proctype supervisor()
{
	byte i, s, e, each;
	mtype t, m;

end:	do
	:: hear(N, true)
	:: hear(0, !active(0))
	:: hear(1, !active(1))
#if N > 2
	:: hear(2, !active(2))
#endif
	/* sup_ready(), sup_message() */
	:: atomic {
		if
		:: up[0]?m -> i = 0
		:: up[1]?m -> i = 1
#if N > 2
		:: up[2]?m -> i = 2
#endif
		fi };
		if
		:: m == READY && !w[i].told -> w[i].ready = 1; room(i)
		:: m == ROOM && w[i].ready -> room(i)
#ifdef MUTANT_BACK_IS_ROOM
		:: m == BACK && w[i].ready -> w[i].suspended = 0; room(i)
		:: m == BACK && !w[i].ready
#else
		:: m == BACK && w[i].suspended ->
			w[i].suspended = 0;
			if
			:: w[i].ready -> room(i)
			:: else
			fi
		:: m == BACK && !w[i].suspended
#endif
		:: (m == READY && w[i].told) || (m == ROOM && !w[i].ready)
		:: m == TAKEN || m == FULL -> /* given_ended() */
			atomic {
				assert(w[i].given);
				w[i].given = 0;
				if
				:: m == FULL -> queued++
				:: m == TAKEN
				fi
			};
			dispatch()
		fi
	/* sup_gone(), and another in its place */
	:: atomic {
		if
		:: w[0].gone && len(up[0]) == 0 -> i = 0
		:: w[1].gone && len(up[1]) == 0 -> i = 1
#if N > 2
		:: w[2].gone && len(up[2]) == 0 -> i = 2
#endif
		fi;
		queued = queued + w[i].given;
		w[i].given = 0;
		w[i].gone = 0;
		w[i].ready = 0;
		w[i].suspended = 0;
		do
		:: len(down[i]) > 0 -> down[i]?_
		:: else -> break
		od };
		if
		:: state == CLOSING -> atomic { holder = NONE; t = CLOSE; e = epoch; s = 0 }; forward()
		:: (state == OUT || state == ASKING) && queued == 0 -> next_epoch(); go_out(0)
		:: else -> dispatch()
		fi;
		if
		:: !sup_draining -> atomic { spawn(i) }
		:: else
		fi
	/* on_lease(): at the right time or, on a slow machine, too early */
	:: atomic { (state == OUT || state == ASKING) && backlog > 0 && (at_rest || early > 0) ->
		if
		:: at_rest -> assert(at_fault)
		:: else -> early--; at_fault = 1
		fi;
		i = holder;
		if
		:: i < N -> suspend(i)
		:: else
		fi;
		i = 0;
		do
		:: i < N ->
			if
			:: len(pipe[i]) > 0 -> suspend(i)
			:: else
			fi;
			i++
		:: else -> i = 0; break
		od };
		next_epoch();
		go_out(0)
	/* the lobby accepts */
	:: atomic { state == PARKED && backlog > 0 && queued < QUEUE && !sup_draining ->
		backlog--;
		queued++ }
	/* go_over(): from a lobby elsewhere, whatever the state here */
	:: atomic { comes_over > 0 && !sup_draining ->
		comes_over--;
		people++;
		queued++ };
		dispatch()
	/* sup_drain() */
	:: atomic { drains && !sup_draining ->
		sup_draining = 1;
		people = people - backlog; /* they are its heir's */
		backlog = 0;
		arrivals = 0;
		comes_over = 0 };
		dispatch()
	/* crew_settled(), by the close deadline or by the drain's; it tells everyone himself */
	:: atomic { sup_draining && !settled && at_rest ->
		look_at_rest();
		settled = 1 }
	:: atomic { settled && untold(0) && len(down[0]) < DOWN_ROOM -> w[0].told = 1; w[0].ready = 0; down[0]!DRAIN }
	:: atomic { settled && untold(1) && len(down[1]) < DOWN_ROOM -> w[1].told = 1; w[1].ready = 0; down[1]!DRAIN }
#if N > 2
	:: atomic { settled && untold(2) && len(down[2]) < DOWN_ROOM -> w[2].told = 1; w[2].ready = 0; down[2]!DRAIN }
#endif
#ifndef CYCLES
	:: atomic { at_rest -> look_at_rest() }
#endif
	od
}

/* ---- the world ---- */

inline die(i)
{
	if
	:: w[i].at == READ || w[i].at == CURRENT -> leave(w[i].hand, w[i].hand_epoch)
	:: w[i].at == PASSING -> leave(ALLOW, w[i].epoch)
	:: else
	fi;
	if
	:: w[i].allowed -> leave(ALLOW, w[i].epoch)
	:: else
	fi;
	people = people - (SEATS - w[i].free);
	w[i].alive = 0;
	w[i].stopped = 0;
	w[i].at = IDLE;
	w[i].allowed = 0;
	w[i].gone = 1
}

#define may_fail(i) \
	:: atomic { faults > 0 && w[i].alive -> faults--; at_fault = 1; die(i) } \
	:: atomic { faults > 0 && runs(i) -> faults--; at_fault = 1; w[i].stopped = 1 } \
	:: atomic { w[i].stopped -> w[i].stopped = 0 }

proctype world()
{
end:	do
	:: atomic { arrivals > 0 ->
		arrivals--;
		people++;
		backlog++ }
	may_fail(0)
	may_fail(1)
#if N > 2
	may_fail(2)
#endif
	od
}

#define scenario(n_arrivals, n_over, n_wakes, n_faults, n_early, n_drains) \
	:: arrivals = n_arrivals; comes_over = n_over; wakes = n_wakes; keeps = n_wakes > 0; \
		faults = n_faults; early = n_early; drains = n_drains

#define only(...) scenario(__VA_ARGS__)

init {
	atomic {
		if
#ifdef ONLY
		only(ONLY)
#else
		scenario(2, 0, 0, 0, 0, 0)
		scenario(1, 0, 0, 1, 0, 0)
#ifndef CYCLES
		scenario(3, 0, 0, 0, 0, 0)
		scenario(1, 0, 1, 0, 0, 0)
		scenario(1, 0, 0, 0, 0, 1)
		scenario(1, 1, 0, 0, 0, 0)
#endif
#ifdef LONG
		scenario(2, 0, 1, 0, 0, 0)
		scenario(2, 0, 0, 1, 0, 0)
		scenario(2, 0, 0, 0, 0, 1)
		scenario(2, 0, 0, 1, 0, 1)
		scenario(2, 1, 0, 0, 0, 0)
		scenario(1, 1, 0, 1, 0, 0)
#endif
#endif
		fi;
		spawn(0);
		spawn(1);
		run worker(0);
		run worker(1);
#if N > 2
		spawn(2);
		run worker(2);
#endif
		run supervisor();
		run world()
	}
}
