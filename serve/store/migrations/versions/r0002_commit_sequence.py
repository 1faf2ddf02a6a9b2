"""Revision 0002: decisions are numbered in the order of their commits."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# What is there is numbered by time, as it was paged until now.
NUMBER = """
UPDATE decisions SET sequence = numbered.number
FROM (SELECT decision_id AS id, row_number() OVER (ORDER BY decision_id) AS number FROM decisions)
AS numbered WHERE decisions.decision_id = numbered.id
"""

# Services of the version before go on writing while they are replaced one by one.
NUMBER_OTHERS = (
    """
CREATE FUNCTION number_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sequences SET last = last + 1 WHERE name = 'decisions' RETURNING last INTO NEW.sequence;
    RETURN NEW;
END $$
""",
    """
CREATE TRIGGER number_decision BEFORE INSERT ON decisions FOR EACH ROW
WHEN (NEW.sequence IS NULL) EXECUTE FUNCTION number_decision()
""",
)


def upgrade() -> None:
    """Add the sequence, number what is there, and make the last number a row of its own."""
    op.add_column("decisions", sa.Column("sequence", sa.BigInteger))
    op.execute(NUMBER)
    # SQLite changes a column by copying its table
    with op.batch_alter_table("decisions") as batch:
        batch.alter_column("sequence", existing_type=sa.BigInteger, nullable=False)
    op.create_index("ix_decisions_sequence", "decisions", ["sequence", "decision_id"], unique=True)
    op.create_table(
        "sequences",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO sequences SELECT 'decisions', count(*) FROM decisions")
    if op.get_bind().dialect.name == "postgresql":
        for statement in NUMBER_OTHERS:
            op.execute(statement)
