"""A scripted daemon for tests: speaks the recorded exchange, samples at 20 Hz, and fails as its device port says.

Device ports: a list, joined by "+", of
  spec            identify as SPEC's PTDaemon
  three           three channels
  refuse=CMD      answer commands that start with CMD with an error
  silent=CMD      do not answer them
  die=CMD         end with an ERROR line when they come
  die_after=N     end after N samples of a run
  close_after=N   close the connection after N samples of a run
  stall_after=N   take no more samples
  bad             every reading is bad
  lose_line       leave one sample out of the -l log
  absent          no instrument: end at once
"""

import argparse
import os
import socket
import sys
import threading
import time
from pathlib import Path

SPEC = "YokogawaWT310E,1000,1,1,1,1,0,1,1,version=1.11.1-69286632-20240907"
OURS = "YokogawaWT310E,1000,1,1,1,1,0,1,1,version=wattrig_0.1.0-00000000-20260101"
TAIL = "OS=Linux,mode=power,1,1,1,0,0,no_cal_date,YOKOGAWA;WT310E;SIMULATED;F1.04"
GROUP = "Watts,{w:.6f},Volts,230.120000,Amps,{a:.6f},PF,0.950000"
BAD = "Watts,-1.000000,Volts,-1.000000,Amps,-1.000000,PF,-1.000000"


def say(text: str) -> None:
    now = time.time()
    stamp = time.strftime("%m-%d-%Y %H:%M:%S", time.gmtime(now))
    print(f"{stamp}.{int(now * 1000) % 1000:03d}: {text}", flush=True)


class Fake:
    def __init__(self, log: str, faults: dict[str, str]) -> None:
        self.log = Path(log).open("a", buffering=1)  # noqa: SIM115
        self.faults = faults
        self.samples: list[str] = []
        self.running = threading.Event()
        self.mark = ""
        self.peer: socket.socket | None = None
        self.sampler: threading.Thread | None = None

    def line(self, number: int) -> str:
        now = time.time()
        stamp = time.strftime("%m-%d-%Y %H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}"
        group = BAD if "bad" in self.faults else GROUP.format(w=100.0 + number, a=1.5 + number / 100)
        groups = [group] * (4 if "three" in self.faults else 1)
        return ",".join([f"Time,{stamp}", *groups])

    def sample(self) -> None:
        number = 0
        while self.running.is_set():
            time.sleep(0.05)
            if number == int(self.faults.get("stall_after", -1)):
                continue
            listed = self.line(number)
            first, *rest = listed.split(",Watts,")[1:]
            marked = listed.split(",Watts,")[0] + f",Watts,{first},Mark,{self.mark}"
            marked += "".join(f",Ch{index},Watts,{group}" for index, group in enumerate(rest, 1))
            if not ("lose_line" in self.faults and number == 1):
                self.log.write(marked + "\n")
            self.samples.append(listed)
            number += 1
            if number == int(self.faults.get("die_after", -1)):
                say("ERROR: the instrument at '/dev/fake' did not answer within 5 s")
                os._exit(3)
            if number == int(self.faults.get("close_after", -1)) and self.peer:
                self.peer.shutdown(socket.SHUT_RDWR)

    def reply(self, command: str) -> str:
        word, *rest = command.split(",")
        if word == "Go":
            self.mark, self.samples = rest[2], []
            self.running.set()
            self.sampler = threading.Thread(target=self.sample, daemon=True)
            self.sampler.start()
            return "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"
        if word == "Stop":
            if not self.running.is_set():
                return "Error: no measurement to stop"
            self.running.clear()
            if self.sampler:
                self.sampler.join()
            return "Stopping untimed measurement"
        if word == "RL":
            return self.listing(rest)
        count = len(self.samples)
        return {
            "Hello": "Hello, PTDaemon here!",
            "Identify": f"{SPEC if 'spec' in self.faults else OURS},{TAIL}",
            "RR": "Ranges,0,10.000000,0,300.000000",
            "SR": f"Range {rest[0] if rest else '?'} changed",
            "Watts": f"Watts,100.000000,100.000000,100.000000,{count},0,{count}",
            "Uncertainty": f"Uncertainty,0.004500,0.004500,0.004500,{count},0,{count},0",
        }.get(word, "Unknown command")

    def listing(self, rest: list[str]) -> str:
        if rest and "three" not in self.faults:
            return "Invalid number of parameters"
        channels = " from sum channel and channels 1 - 3" if "three" in self.faults else ""
        return "\r\n".join([f"Last {len(self.samples)} samples{channels}", *self.samples])

    def hit(self, fault: str, command: str) -> bool:
        return fault in self.faults and command.startswith(self.faults[fault])

    def serve(self, peer: socket.socket) -> None:
        self.peer = peer
        with peer, peer.makefile("rb") as file:
            for raw in file:
                command = raw.decode().rstrip("\r\n")
                if self.hit("die", command):
                    say("ERROR: reading from '/dev/fake' failed")
                    os._exit(3)
                if self.hit("silent", command):
                    continue
                reply = "Error: refused" if self.hit("refuse", command) else self.reply(command)
                say(f"Response to client sent: {reply.splitlines()[0]}")
                peer.sendall(reply.encode() + b"\r\n")
        say("Connection is down.")


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in "lpbcB":
        parser.add_argument(f"-{option}")
    for option in "DngyU":
        parser.add_argument(f"-{option}", action="store_true")
    parser.add_argument("type")
    parser.add_argument("port")
    options = parser.parse_args()
    words = [word.partition("=") for word in options.port.split("+")]
    faults = {name: value for name, _, value in words}
    say(f"Attempting to connect to measurement device type {options.type}...")
    if "absent" in faults:
        say("ERROR: the serial port '/dev/fake' cannot be opened: No such file or directory")
        sys.exit(1)
    server = socket.create_server(("127.0.0.1", int(options.p)))
    say("Uncertainty checking for YokogawaWT310E is activated")
    say("Waiting for a connection...")
    fake = Fake(options.l, faults)
    while True:
        fake.serve(server.accept()[0])


if __name__ == "__main__":
    main()
