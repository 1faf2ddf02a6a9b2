"""Requests at a steady rate over a few connections; each is timed from the moment when it was due.

``python paced.py PORT PATH RATE SECONDS CONNECTIONS`` with the body on standard input prints
percentiles as JSON. A client that waits for an answer before it sends the next request hides the
wait of those that it did not send.
"""

import asyncio
import json
import sys
import time

import numpy as np
import uvloop


async def connection(port: int, request: bytes, due: list[float], spent: list[float]) -> None:
    """Send each request when it is due, or as soon as the answer before it came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for moment in due:
        wait = moment - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise SystemExit(f"error: {head[:60]!r}")
        length = next(
            int(line[15:])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        spent.append(time.perf_counter() - moment)
    writer.close()


async def main(port: int, path: str, rate: float, seconds: float, connections: int) -> None:
    """Ask, and print what it took."""
    body = sys.stdin.read().encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
        f"{len(body)}\r\n\r\n"
    )
    moments = time.perf_counter() + 0.2 + np.arange(int(rate * seconds)) / rate
    spent: list[float] = []
    await asyncio.gather(
        *(
            connection(port, head.encode() + body, moments[k::connections].tolist(), spent)
            for k in range(connections)
        )
    )
    quantiles = {f"p{q}_ms": round(1000 * float(np.quantile(spent, q / 100)), 3) for q in (50, 99)}
    print(json.dumps(quantiles | {"requests": len(spent)}))


if __name__ == "__main__":
    uvloop.run(
        main(
            int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
        )
    )
