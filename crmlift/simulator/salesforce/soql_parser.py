"""A recursive-descent parser for the SOQL that clients send.

Known: fields, relationship fields, FIELDS(), aggregates, WHERE with AND/OR/NOT and parentheses, all comparison
operators, LIKE, IN and NOT IN (lists and nested queries), INCLUDES/EXCLUDES, date literals, GROUP BY, ORDER BY,
LIMIT, OFFSET, ALL ROWS. Not known, and refused as malformed: child subqueries, TYPEOF, HAVING, date functions.
"""

from __future__ import annotations

from datetime import date, datetime

from crmlift.simulator.salesforce import soql_ast as ast
from crmlift.simulator.salesforce.errors import SalesforceError
from crmlift.simulator.salesforce.soql_tokens import Token, malformed, tokenise, unquote

_AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
_CLAUSES = frozenset({"FROM", "WHERE", "GROUP", "ORDER", "LIMIT", "OFFSET", "ALL", "FOR", "USING", "HAVING"})
_COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def parse(text: str) -> ast.Query:
    """The query, or MALFORMED_QUERY with Salesforce's wording."""
    parser = _Parser(text)
    query = parser.query()
    if parser.token.kind != "end":
        raise parser.unexpected()
    return query


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at = text, tokenise(text), 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def unexpected(self) -> SalesforceError:
        shown = self.token.text if self.token.kind == "end" else f"'{self.token.text}'"
        return malformed(self.text, self.token.position, f"unexpected token: {shown}")

    def advance(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def is_word(self, *words: str) -> bool:
        return self.token.kind == "name" and self.token.text.upper() in words

    def accept_word(self, *words: str) -> bool:
        if self.is_word(*words):
            self.at += 1
            return True
        return False

    def accept(self, operator: str) -> bool:
        if self.token.kind == "operator" and self.token.text == operator:
            self.at += 1
            return True
        return False

    def expect(self, operator: str) -> None:
        if not self.accept(operator):
            raise self.unexpected()

    def expect_word(self, *words: str) -> None:
        for word in words:
            if not self.accept_word(word):
                raise self.unexpected()

    def name(self) -> Token:
        if self.token.kind != "name" or self.token.text.upper() in _CLAUSES:
            raise self.unexpected()
        return self.advance()

    def integer(self) -> int:
        if self.token.kind != "number" or not self.token.text.isdigit():
            raise self.unexpected()
        return int(self.advance().text)

    def query(self) -> ast.Query:
        self.expect_word("SELECT")
        selected = self.selected()
        self.expect_word("FROM")
        if self.token.kind != "name":
            raise self.unexpected()
        sobject = self.advance()  # an object may be called Group or Order
        if self.token.kind == "name" and self.token.text.upper() not in _CLAUSES:
            self.advance()  # an alias of the object: allowed, of no consequence
        where = self.condition() if self.accept_word("WHERE") else None
        group_by = self.group_by()
        order_by = self.order_by()
        limit = self.integer() if self.accept_word("LIMIT") else None
        offset = self.integer() if self.accept_word("OFFSET") else 0
        is_all_rows = self.accept_word("ALL")
        if is_all_rows:
            self.expect_word("ROWS")
        if self.accept_word("FOR"):
            self.name()
        return ast.Query(
            selected, sobject.text, sobject.position, where, group_by, order_by, limit, offset, is_all_rows,
            self.text,
        )  # fmt: skip

    def selected(self) -> tuple[ast.Selected, ...]:
        items = [self.selected_item()]
        while self.accept(","):
            items.append(self.selected_item())
        return tuple(items)

    def selected_item(self) -> ast.Selected:
        token = self.name()
        word = token.text.upper()
        if not self.accept("("):
            return ast.FieldPath(tuple(token.text.split(".")), token.position)
        if word == "FIELDS":
            group = self.advance().text.upper() if self.is_word("ALL") else self.name().text.upper()
            self.expect(")")
            return ast.FieldGroup(group)
        if word in {"TOLABEL", "CONVERTCURRENCY", "FORMAT"}:
            path = self.path()
            self.expect(")")
            return path
        if word not in _AGGREGATES:
            raise malformed(self.text, token.position, f"unexpected token: '{token.text}'")
        path_or_none = None if self.accept(")") else self.path()
        if path_or_none is not None:
            self.expect(")")
        elif word != "COUNT":
            raise self.unexpected()
        has_alias = self.token.kind == "name" and self.token.text.upper() not in _CLAUSES
        return ast.Aggregate(word, path_or_none, self.advance().text if has_alias else None)

    def path(self) -> ast.FieldPath:
        token = self.name()
        return ast.FieldPath(tuple(token.text.split(".")), token.position)

    def group_by(self) -> tuple[ast.FieldPath, ...]:
        if not self.accept_word("GROUP"):
            return ()
        self.expect_word("BY")
        paths = [self.path()]
        while self.accept(","):
            paths.append(self.path())
        return tuple(paths)

    def order_by(self) -> tuple[ast.Order, ...]:
        if not self.accept_word("ORDER"):
            return ()
        self.expect_word("BY")
        orders = [self.order()]
        while self.accept(","):
            orders.append(self.order())
        return tuple(orders)

    def order(self) -> ast.Order:
        path = self.path()
        is_descending = self.accept_word("DESC")
        if not is_descending:
            self.accept_word("ASC")
        are_nulls_last = False
        if self.accept_word("NULLS"):
            are_nulls_last = self.is_word("LAST")
            if not self.accept_word("FIRST", "LAST"):
                raise self.unexpected()
        return ast.Order(path, is_descending, are_nulls_last)

    def condition(self) -> ast.Condition:
        first = self.simple_condition()
        word = next((w for w in ("AND", "OR") if self.is_word(w)), None)
        if word is None:
            return first
        conditions = [first]
        while self.accept_word(word):
            conditions.append(self.simple_condition())
        if self.is_word("AND", "OR"):  # mixing both needs parentheses in SOQL
            raise self.unexpected()
        return ast.Junction(word, tuple(conditions))

    def simple_condition(self) -> ast.Condition:
        if self.accept_word("NOT"):
            return ast.Not(self.simple_condition())
        if self.accept("("):
            condition = self.condition()
            self.expect(")")
            return condition
        return self.comparison()

    def comparison(self) -> ast.Comparison:
        path = self.path()
        if self.token.kind == "operator" and self.token.text in _COMPARISONS:
            return ast.Comparison(path, _COMPARISONS[self.advance().text], self.literal())
        if self.accept_word("LIKE"):
            return ast.Comparison(path, "LIKE", self.literal())
        if self.accept_word("NOT"):
            self.expect_word("IN")
            return ast.Comparison(path, "NOT IN", self.set_value())
        for word in ("IN", "INCLUDES", "EXCLUDES"):
            if self.accept_word(word):
                return ast.Comparison(path, word, self.set_value())
        raise self.unexpected()

    def set_value(self) -> tuple[ast.Literal, ...] | ast.Query:
        self.expect("(")
        value: tuple[ast.Literal, ...] | ast.Query
        if self.is_word("SELECT"):
            value = self.query()
        else:
            literals = [self.literal()]
            while self.accept(","):
                literals.append(self.literal())
            value = tuple(literals)
        self.expect(")")
        return value

    def literal(self) -> ast.Literal:
        token = self.advance()
        if token.kind == "string":
            return unquote(token.text)
        if token.kind == "number":
            return int(token.text) if token.text.lstrip("+-").isdigit() else float(token.text)
        if token.kind in ("date", "datetime"):
            return self.moment(token)
        word = token.text.upper()
        if token.kind == "name" and word in {"TRUE", "FALSE", "NULL"}:
            return {"TRUE": True, "FALSE": False, "NULL": None}[word]
        if token.kind == "name" and "." not in word:
            return ast.RelativeDate(word, self.integer() if self.accept(":") else None)
        self.at -= 1
        raise self.unexpected()

    def moment(self, token: Token) -> date | datetime:
        try:
            if token.kind == "date":
                return date.fromisoformat(token.text)
            return datetime.fromisoformat(token.text.upper())
        except ValueError as cause:
            raise malformed(self.text, token.position, f"Invalid date: {token.text}") from cause
