"""Reasons of recorded decisions in words, and the values that would have turned them."""


class TestReasonsInWords:
    def reasons(self, client, decision_id):
        return client.get(f"/v1/decisions/{decision_id}/reasons")

    def test_words_are_those_of_the_model_that_decided(self, client, decision):
        made = client.post("/v1/decisions", json=decision).json()
        explained = self.reasons(client, made["decision_id"]).json()
        assert explained["turning_values"]
        assert [reason["code"] for reason in explained["reasons"]] == [
            reason["code"] for reason in made["reasons"]
        ]
        assert all(reason["words"].startswith(reason["feature"]) for reason in explained["reasons"])
        assert "would_turn_at" in explained["reasons"][0]

    def test_turning_value_turns_the_decision(self, client, transactions):
        """Of many payments: sent again with the value
        that is named, the decision is another one.
        """
        compared = 0
        for number, row in enumerate(transactions[:150]):
            body = {
                "transaction_id": f"t-{number}",
                "occurred_at": "2026-01-31T12:00:00Z",
                "features": row,
            }
            made = client.post("/v1/decisions", json=body).json()
            for reason in self.reasons(client, made["decision_id"]).json()["reasons"][:2]:
                if reason.get("would_turn_at") is None or made["decision"] == "abstain":
                    continue
                changed = body | {"features": row | {reason["feature"]: reason["would_turn_at"]}}
                again = client.post("/v1/decisions", json=changed).json()["decision"]
                assert (again == "approve") != (made["decision"] == "approve")
                compared += 1
        assert compared > 10

    def test_unknown_decision_is_not_found(self, client):
        assert self.reasons(client, "0" * 32).status_code == 404
