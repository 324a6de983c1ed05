"""Runs commands in a container, one after the other, for whoever holds the other end of its standard streams.

An order is a line of JSON, then as many bytes as it says for the command's standard input. An answer is `WORD LENGTH`
on a line, then as many bytes: `refused`, `lost`, or `begun`, any number of `out` and `err`, and `ended`, `killed` or `late`.
"""
import json
import os
import pwd
import select
import selectors
import signal
import subprocess
import sys
import threading
import time

GRACE = 2.0
# What a command started may hold its output open for longer than the command lives.
HELD_OPEN = 0.3


def say(word, data=b""):
    try:
        sys.stdout.buffer.write(b"%s %d\n" % (word, len(data)) + data)
        sys.stdout.buffer.flush()
    except OSError:
        pass  # Nobody listens any more; the command goes on until its time is up.


def begin(order, content):
    environment, account = dict(os.environ), {}
    if order["user"] is not None:
        entry = pwd.getpwnam(order["user"])
        groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
        account = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}
        environment["HOME"] = entry.pw_dir
    return subprocess.Popen(
        order["argv"], cwd="/", env=environment, start_new_session=True, bufsize=0,
        stdin=subprocess.DEVNULL if content is None else subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **account,
    )


def feed(child, content):
    try:
        child.stdin.write(content) if content else None
        child.stdin.close()
    except OSError:
        pass  # A command need not read it.


def is_left(child):
    child.poll()
    try:
        os.killpg(child.pid, 0)
    except ProcessLookupError:
        return False
    return True


def end(child):
    """Ends what is left of the command's group. Whether nothing is."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not is_left(child):
            return True
        os.killpg(child.pid, number)
        until = time.monotonic() + GRACE
        while is_left(child) and time.monotonic() < until:
            time.sleep(0.02)
    return not is_left(child)


def attend(child, deadline):
    """Passes on what the command writes. Whether it ended before its time was up."""
    with selectors.DefaultSelector() as selector:
        ended = os.pidfd_open(child.pid)
        selector.register(child.stdout, selectors.EVENT_READ, b"out")
        selector.register(child.stderr, selectors.EVENT_READ, b"err")
        selector.register(ended, selectors.EVENT_READ, None)
        is_ended, until = False, deadline
        while selector.get_map():
            found = selector.select(max(0.0, until - time.monotonic()))
            if not found:
                break
            for key, _ in found:
                if key.data is None:
                    is_ended, until = True, time.monotonic() + HELD_OPEN
                    selector.unregister(ended)
                    continue
                data = os.read(key.fd, 65536)
                if data:
                    say(key.data, data)
                else:
                    selector.unregister(key.fileobj)
            if not is_ended and time.monotonic() >= deadline:
                break
        os.close(ended)
        return is_ended


def carry_out(order, content):
    if order["behind"] and not os.path.lexists(order["behind"]):
        return say(b"lost", b"the server that runs commands there does not answer")
    try:
        child = begin(order, content)
    except KeyError:
        return say(b"refused", b"there is no user " + order["user"].encode())
    except OSError as error:
        return say(b"refused", f"{order['argv'][0]}: {error.strerror}".encode())
    say(b"begun")
    deadline = time.monotonic() + order["seconds"]
    if content is not None:
        threading.Thread(target=feed, args=(child, content), daemon=True).start()
    if attend(child, deadline):
        code = child.wait()
        say(b"ended", b"%d" % code) if code >= 0 else say(b"killed", b"%d" % -code)
    else:
        say(b"late", b"ended" if end(child) else b"left")
    child.stdout.close()
    child.stderr.close()


signal.signal(signal.SIGPIPE, signal.SIG_IGN)
while line := sys.stdin.buffer.readline():
    order = json.loads(line)
    length = order["stdin"]
    content = None if length is None else sys.stdin.buffer.read(length)
    # Nothing follows an order before its answer: what can be read now is the end, and whoever gave the order is gone.
    if select.select([0], [], [], 0)[0]:
        break
    carry_out(order, content)
