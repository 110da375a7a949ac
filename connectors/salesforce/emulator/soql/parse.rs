//! From words to a query.

use super::super::refusal::Refusal;
use super::token::{Token, tokens};

/// A query.
#[derive(Clone, Debug)]
pub(in super::super) struct Query {
    pub select: Vec<Select>,
    pub from: String,
    pub wanted: Option<Condition>,
    pub order: Vec<Order>,
    pub limit: Option<usize>,
    pub offset: usize,
}

/// What is selected.
#[derive(Clone, Debug)]
pub(in super::super) enum Select {
    /// A field, or a path over parents.
    Path(Vec<String>),
    /// `COUNT()`.
    Count,
    /// `COUNT(Id) alias`.
    CountOf(String),
    /// Children, by the name of their relationship in `from`.
    Children(Query),
}

/// Of which rows.
#[derive(Clone, Debug)]
pub(in super::super) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Is(Vec<String>, &'static str, Literal),
    Like(Vec<String>, String),
    /// In (or not in) a list.
    In(Vec<String>, bool, Vec<Literal>),
    /// In (or not in) what another query finds.
    Among(Vec<String>, bool, Box<Query>),
}

/// A value in a query.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Literal {
    Text(String),
    /// A number, a date, an instant, `true`, `null`.
    Word(String),
}

/// In which order.
#[derive(Clone, Debug)]
pub(in super::super) struct Order {
    pub path: Vec<String>,
    pub falling: bool,
    pub nulls_last: bool,
}

/// Reads a query; anything that is not understood is refused.
pub(super) fn query(text: &str) -> Result<Query, Refusal> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0 };
    let query = reader.query(0)?;
    match reader.peek() {
        None => Ok(query),
        Some(token) => Err(Refusal::query(format!("unexpected token: {token:?}"))),
    }
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, Refusal> {
        let token = self.peek().cloned().ok_or_else(|| Refusal::query("unexpected end of the query"))?;
        self.at += 1;
        Ok(token)
    }

    fn is(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    fn take(&mut self, keyword: &str) -> bool {
        let is = self.is(keyword);
        self.at += usize::from(is);
        is
    }

    fn need(&mut self, keyword: &str) -> Result<(), Refusal> {
        if self.take(keyword) { Ok(()) } else { Err(self.unexpected(keyword)) }
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Sign(known)) if *known == sign);
        self.at += usize::from(is);
        is
    }

    fn need_sign(&mut self, sign: &str) -> Result<(), Refusal> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.unexpected(sign)) }
    }

    fn unexpected(&self, wanted: &str) -> Refusal {
        Refusal::query(format!("unexpected token: {:?}, expecting {wanted}", self.peek()))
    }

    fn word(&mut self) -> Result<String, Refusal> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            other => Err(Refusal::query(format!("unexpected token: {other:?}"))),
        }
    }

    fn path(&mut self) -> Result<Vec<String>, Refusal> {
        Ok(self.word()?.split('.').map(str::to_owned).collect())
    }

    fn query(&mut self, depth: u32) -> Result<Query, Refusal> {
        self.need("SELECT")?;
        let mut select = vec![self.selected(depth)?];
        while self.take_sign(",") {
            select.push(self.selected(depth)?);
        }
        self.need("FROM")?;
        let from = self.word()?;
        let wanted = if self.take("WHERE") { Some(self.either()?) } else { None };
        let mut order = Vec::new();
        if self.take("ORDER") {
            self.need("BY")?;
            order.push(self.ordered()?);
            while self.take_sign(",") {
                order.push(self.ordered()?);
            }
        }
        let limit = if self.take("LIMIT") { Some(self.count()?) } else { None };
        let offset = if self.take("OFFSET") { self.count()? } else { 0 };
        if offset > 2000 {
            return Err(Refusal::bad("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"));
        }
        Ok(Query { select, from, wanted, order, limit, offset })
    }

    fn count(&mut self) -> Result<usize, Refusal> {
        let word = self.word()?;
        word.parse().map_err(|_| Refusal::query(format!("unexpected token: '{word}'")))
    }

    fn selected(&mut self, depth: u32) -> Result<Select, Refusal> {
        if self.take_sign("(") {
            if depth > 0 {
                return Err(Refusal::query("a sub-query may not have sub-queries here"));
            }
            let children = self.query(depth + 1)?;
            self.need_sign(")")?;
            return Ok(Select::Children(children));
        }
        if self.is("COUNT") && self.tokens.get(self.at + 1) == Some(&Token::Sign("(")) {
            self.at += 2;
            if self.take_sign(")") {
                return Ok(Select::Count);
            }
            self.path()?;
            self.need_sign(")")?;
            let alias = if self.is("FROM") || self.peek() == Some(&Token::Sign(",")) {
                "expr0".to_owned()
            } else {
                self.word()?
            };
            return Ok(Select::CountOf(alias));
        }
        let path = self.path()?;
        if self.peek() == Some(&Token::Sign("(")) {
            return Err(Refusal::query(format!("the function {} is not supported here", path.join("."))));
        }
        Ok(Select::Path(path))
    }

    fn ordered(&mut self) -> Result<Order, Refusal> {
        let path = self.path()?;
        let falling = self.take("DESC");
        if !falling {
            self.take("ASC");
        }
        let mut nulls_last = falling;
        if self.take("NULLS") {
            nulls_last = self.take("LAST");
            if !nulls_last {
                self.need("FIRST")?;
            }
        }
        Ok(Order { path, falling, nulls_last })
    }

    fn either(&mut self) -> Result<Condition, Refusal> {
        let first = self.both()?;
        if !self.is("OR") {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.take("OR") {
            all.push(self.both()?);
        }
        Ok(Condition::Or(all))
    }

    fn both(&mut self) -> Result<Condition, Refusal> {
        let mut all = vec![self.one()?];
        while self.take("AND") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::And(all) })
    }

    fn one(&mut self) -> Result<Condition, Refusal> {
        if self.take("NOT") {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        if self.take_sign("(") {
            let inner = self.either()?;
            self.need_sign(")")?;
            return Ok(inner);
        }
        let path = self.path()?;
        if self.take("LIKE") {
            return match self.next()? {
                Token::Text(pattern) => Ok(Condition::Like(path, pattern)),
                other => Err(Refusal::query(format!("unexpected token: {other:?}"))),
            };
        }
        let is_not = self.take("NOT");
        if self.take("IN") {
            return self.list(path, !is_not);
        }
        if is_not {
            return Err(self.unexpected("IN"));
        }
        match self.next()? {
            Token::Sign(sign @ ("=" | "!=" | "<>" | "<" | ">" | "<=" | ">=")) => {
                Ok(Condition::Is(path, if sign == "<>" { "!=" } else { sign }, self.literal()?))
            }
            other => Err(Refusal::query(format!("unexpected token: {other:?}"))),
        }
    }

    fn list(&mut self, path: Vec<String>, is_in: bool) -> Result<Condition, Refusal> {
        self.need_sign("(")?;
        if self.is("SELECT") {
            let inner = self.query(1)?;
            self.need_sign(")")?;
            return Ok(Condition::Among(path, is_in, Box::new(inner)));
        }
        let mut values = vec![self.literal()?];
        while self.take_sign(",") {
            values.push(self.literal()?);
        }
        self.need_sign(")")?;
        Ok(Condition::In(path, is_in, values))
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        match self.next()? {
            Token::Text(text) => Ok(Literal::Text(text)),
            Token::Word(word) => Ok(Literal::Word(word)),
            Token::Sign(sign) => Err(Refusal::query(format!("unexpected token: '{sign}'"))),
        }
    }
}
