"""Clients that keep a service busy."""

import http.client
import json
import threading
import time

from tests.network import ANSWER_SECONDS

JSON = {"Content-Type": "application/json"}


class Load:
    """Clients that send one request after another
    until told to stop, and what they were answered.
    """

    def __init__(self, port, path, body, n_clients=8):
        self.answers, self.broken = [], []
        self._port, self._path, self._body = port, path, json.dumps(body).encode()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(n_clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=2 * ANSWER_SECONDS)

    def _run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
        while not self._stop.is_set():
            try:
                connection.request("POST", self._path, self._body, JSON)
                answer = connection.getresponse()
                self.answers.append((answer.status, answer.read()))
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(error)
                connection.close()
                time.sleep(0.01)
        connection.close()
