"""The schools of the demo."""

from __future__ import annotations

from app.demo.member import School

EGESKOLEN = School(
    "999001", "Egeskolen", "Folkeskole", True, "Egealle 1", "0999", "Prøveby", "kontor@egeskolen.example"
)
BOEGESKOLEN = School(
    "999002", "Bøgeskolen", "Friskole", False, "Bøgestien 2", "0999", "Prøveby", "kontor@boegeskolen.example"
)
# Nobody is at this one but those whom a load run adds.
PROEVESKOLEN = School(
    "999003", "Prøveskolen", "Folkeskole", True, "Målevej 3", "0999", "Prøveby", "kontor@proeveskolen.example"
)
# Its only class has no pupils, as its newest delivery was rejected.
LINDESKOLEN = School(
    "999004", "Lindeskolen", "Folkeskole", True, "Lindevej 4", "0999", "Prøveby", "kontor@lindeskolen.example"
)
