"""The endpoints: the requests, their answers, and the document that describes both."""
