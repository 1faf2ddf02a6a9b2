"""What a service counted, as its metrics tell it."""


def events(client):
    return events_of(client.get("/metrics").text)


def events_of(text):
    lines = [line for line in text.splitlines() if line.startswith("fraud_events_total")]
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines}
