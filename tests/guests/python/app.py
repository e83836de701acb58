"""What the tests ask for, written as anybody would in Python."""

import encodings.idna  # Later it could not be imported any more: the library is there only while the component is made.
import json
import os
import socket
import sys
from collections import Counter

import wit_world
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import funcs, process


class WitWorld(wit_world.WitWorld):
    def same(self, every):
        return every

    def count(self, text, most):
        if not text:
            raise Err("there are no words")
        print("counting")
        counted = sorted(Counter(text.split()).items(), key=lambda one: (-one[1], one[0]))
        return [wit_world.Total(word, times) for word, times in counted[:most]]

    def surroundings(self):
        return [f"{name}={value}" for name, value in sorted(os.environ.items())] + sys.argv[1:]

    def load(self, path):
        try:
            with open(path) as file:
                return file.read()
        except OSError as error:
            raise Err(error.strerror)

    def save(self, path, text):
        try:
            with open(path, "w") as file:
                file.write(text)
        except OSError as error:
            raise Err(error.strerror)

    def reach(self, address, port):
        try:
            socket.create_connection((address, port)).close()
        except OSError as error:
            raise Err(error.strerror or str(error))

    def ask(self, target, words):
        try:
            return json.loads(funcs.call(target, json.dumps(words), 10_000))["text"]
        except Err as error:
            raise Err(json.loads(error.value)["message"])

    def grow(self, mebibytes):
        return len(bytearray(mebibytes << 20))

    def spin(self):
        while True:
            pass

    def break_off(self):
        raise ValueError("nobody expected this")


class Entry(exports.Entry):
    """As a function it says what it was given, as a process it answers until it is told to stop."""

    def run(self, arguments):
        given = json.loads(arguments)
        if given != ["serve"]:
            return json.dumps({"given": given})
        answered = 0
        while (message := process.receive(None)).topic != "stop":
            answered += 1
            words = json.loads(message.payloads)
            process.send(message.sender, "answer", json.dumps([word.upper() for word in words]))
        return json.dumps(answered)
