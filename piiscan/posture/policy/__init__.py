"""The effective access that a bucket policy or a key policy gives, in words.

The way of a document: parse (statements), callers, places, actions, resources (one of each kind that the statements
tell apart), weigh (deny over allow, over all of these), words. What cannot be decided is read as the wider access.

Source: AWS, IAM User Guide, "Policy evaluation logic" and "IAM JSON policy element reference".
"""

from __future__ import annotations

from piiscan.posture.policy.analysis import analyse, analyse_key_policy
from piiscan.posture.policy.model import Access, Circle, Grant, Reach

__all__ = ["Access", "Circle", "Grant", "Reach", "analyse", "analyse_key_policy"]
