"""Batch scoring: a file of any size through the champion, in bounded memory."""
