#!/usr/bin/env python3
"""drive.py - BanditSpec's policies from Python, as an inference engine would drive them: a batch of requests, each asking before
every round which drafter to use and how far, and telling afterwards what came of it. The engine is made up: a small model that
is right 4 times in 5 and a copier that is right about half the time, with the seconds such rounds take.

    make lib && python3 policies/examples/drive.py --library build/libbanditspec_policy.so --policy thompson --state learned.state
"""
import argparse
import ctypes as c
import os
import random
import sys


class Arm(c.Structure):
    _fields_ = [("size", c.c_uint32), ("drafter", c.c_int32), ("gamma", c.c_int32), ("asks", c.c_int32), ("name", c.c_char_p)]


class Peek(c.Structure):
    _fields_ = [("proposed", c.c_int32), ("match", c.c_int32)]


class View(c.Structure):
    _fields_ = [("size", c.c_uint32), ("request", c.c_int32), ("pos", c.c_int32), ("prompt_tokens", c.c_int32), ("max_new", c.c_int32),
                ("batch", c.c_int32), ("margin", c.c_float), ("peek", c.POINTER(Peek))]


class Round(c.Structure):
    _fields_ = [("size", c.c_uint32), ("request", c.c_int32), ("arm", c.c_int32), ("gamma", c.c_int32), ("proposed", c.c_int32),
                ("accepted", c.c_int32), ("draft_s", c.c_double), ("verify_s", c.c_double), ("nodes", c.c_int32),
                ("signal", c.POINTER(c.c_float))]


PEEK, ALL = 4, 8  # of what bsp_asks tells


class Policy:
    """One bsp_policy; what fails raises RuntimeError with the library's own line."""

    def __init__(self, library, spec, drafters, longest, arms, requests, seed=0):
        self.lib = c.CDLL(library)
        for name, result, takes in (
                ("create", c.c_void_p, [c.c_char_p, c.c_char_p, c.c_int, c.c_char_p, c.c_int, c.c_uint64]), ("free", None, [c.c_void_p]),
                ("error", c.c_char_p, []), ("spec", c.c_char_p, [c.c_void_p]), ("asks", c.c_uint, [c.c_void_p]),
                ("arms", c.c_int, [c.c_void_p]),
                ("arm", c.c_int, [c.c_void_p, c.c_int, c.POINTER(Arm)]), ("begin", c.c_int, [c.c_void_p, c.c_int, c.c_uint32]),
                ("select", c.c_int, [c.c_void_p, c.POINTER(View)]), ("update", c.c_int, [c.c_void_p, c.POINTER(Round)]),
                ("deepen", c.c_int, [c.c_void_p, c.c_int, c.c_int, c.c_int, c.c_float, c.c_float]),
                ("learn_all", c.c_int, [c.c_void_p, c.c_int, c.POINTER(c.c_int), c.POINTER(c.c_int)]),
                ("save", c.c_int, [c.c_void_p, c.c_char_p]), ("load", c.c_int, [c.c_void_p, c.c_char_p])):
            f = getattr(self.lib, "bsp_" + name)
            f.restype, f.argtypes = result, takes
        self.p = self.lib.bsp_create(spec.encode(), " ".join(drafters).encode(), longest, arms.encode(), requests, seed)
        if not self.p:
            raise RuntimeError(self.lib.bsp_error().decode())
        self.spec, self.asks = self.lib.bsp_spec(self.p).decode(), self.lib.bsp_asks(self.p)
        self.arms = []
        for k in range(self.lib.bsp_arms(self.p)):
            arm = Arm(size=c.sizeof(Arm))
            self("arm", k, c.byref(arm))
            self.arms.append(arm)

    def __call__(self, name, *arguments):
        result = getattr(self.lib, "bsp_" + name)(self.p, *arguments)
        if result < 0:
            raise RuntimeError(f"{name}: {self.lib.bsp_error().decode()}")
        return result

    def close(self):
        self.lib.bsp_free(self.p)
        self.p = None


class Engine:
    """What a real engine has instead of this: drafters and a target."""
    names, right, draft_s = ("pld", "small"), (0.45, 0.8), (0.0, 0.003)

    def __init__(self, seed):
        self.random = random.Random(seed)

    def find(self, longest):
        """What the copier finds: tokens, and how long a match stands before them."""
        return (0, 0) if self.random.random() < 0.3 else (longest, self.random.randrange(1, 12))

    def accept(self, drafter, proposed):
        accepted = 0
        while accepted < proposed and self.random.random() < self.right[drafter]:
            accepted += 1
        return accepted


def decode(policy, engine, request, sequence, tokens, batch, longest):
    """One sequence to its end: yields the tokens and seconds of every round, so that requests take turns."""
    policy("begin", request, sequence)
    pos, asked = 1, []
    while pos < tokens:
        found, match = engine.find(longest)
        began, budget = pos, tokens - pos - 1
        view = View(size=c.sizeof(View), request=request, pos=pos, prompt_tokens=50, max_new=tokens, batch=batch)
        if policy.asks & PEEK:
            view.peek = (Peek * 2)(Peek(min(found, budget), match), Peek(-1, 0))
        k = policy("select", c.byref(view))
        arm = policy.arms[k]
        gamma = min(arm.gamma, budget)
        proposed = gamma if arm.drafter != 0 else min(gamma, found)
        signal = (c.c_float * (2 * max(proposed, 1)))()
        if arm.drafter == 1:  # a model drafts token by token, and may be told that it is enough
            for depth in range(1, gamma + 1):
                probability = engine.random.random()
                signal[2 * depth - 2], signal[2 * depth - 1] = probability, 2 * (1 - probability)
                if arm.asks and not policy("deepen", request, k, depth, probability, 2 * (1 - probability)):
                    gamma = proposed = depth
                    break
        accepted = engine.accept(arm.drafter, proposed) if proposed else 0
        draft_s = engine.draft_s[arm.drafter] * proposed if proposed else 0.0
        verify_s = 0.03 + 0.001 * proposed
        pos += accepted + 1
        if pos < tokens:  # the round that ends a sequence is not fed back
            policy("update", c.byref(Round(size=c.sizeof(Round), request=request, arm=k, gamma=gamma, proposed=proposed, accepted=accepted,
                                           draft_s=draft_s, verify_s=verify_s, signal=signal if arm.drafter == 1 else None)))
        if policy.asks & (ALL | PEEK):  # and what was asked but not played, once the text tells what it was worth
            small = (longest, engine.accept(1, longest)) if policy.asks & ALL else (-1, -1)
            asked.append((began, (found, engine.accept(0, found)), small))
            while asked and asked[0][0] + longest <= pos < tokens:
                where, *drafts = asked.pop(0)
                policy("learn_all", where, (c.c_int * 2)(*(d[0] for d in drafts)), (c.c_int * 2)(*(d[1] for d in drafts)))
        yield accepted + 1, draft_s + verify_s


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--library", default="libbanditspec_policy.so.1")
    options.add_argument("--policy", default="thompson")
    options.add_argument("--state", help="read if it is there, written at the end")
    options.add_argument("--arms", default="plain pld:2,4 small:2,4,8")
    options.add_argument("--sequences", type=int, default=24)
    options.add_argument("--batch", type=int, default=4, help="requests decoded in turns")
    o = options.parse_args()
    longest, tokens, seconds, emitted = 8, 128, 0.0, 0
    policy, engine = Policy(o.library, o.policy, Engine.names, longest, o.arms, o.batch), Engine(1)
    warm = bool(o.state) and os.path.exists(o.state)
    if warm:
        policy("load", o.state.encode())
    waiting, slots = list(range(o.sequences)), [None] * o.batch
    while waiting or any(slots):
        for request in range(o.batch):
            if slots[request] is None and waiting:
                slots[request] = decode(policy, engine, request, waiting.pop(0), tokens, o.batch, longest)
            if slots[request] is None:
                continue
            step = next(slots[request], None)
            if step is None:
                slots[request] = None
            else:
                emitted, seconds = emitted + step[0], seconds + step[1]
    print(f"{policy.spec} ({'warm' if warm else 'new'}): {emitted} tokens "
          f"at {emitted / seconds:.1f} a second, plain decoding {1 / 0.03:.1f}")
    if o.state:
        policy("save", o.state.encode())
    policy.close()


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"drive.py: {error}")
