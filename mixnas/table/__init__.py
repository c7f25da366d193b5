"""Tables of trainings: every candidate of a small space trained once, so that searches can be replayed in seconds."""

from mixnas.table.file import read_table, write_table
from mixnas.table.find import find_table, table_names
from mixnas.table.table import Header, Table

__all__ = ["Header", "Table", "find_table", "read_table", "table_names", "write_table"]
