//! Checks an expression, and writes it again with exact operators.

use minijinja::machinery::ast::{BinOpKind, Call, CallArg, CompareOp, CompareOpKind, Expr, UnaryOpKind};
use minijinja::machinery::{Span, parse_expr};
use minijinja::value::{Value, ValueKind};

use super::{Fault, Scope, functions, text};
use crate::diagnostic::suggestion;

/// In bytes; with [`DEEPEST`] it keeps the recursive parts of parsing and compiling within a thread's stack.
const LONGEST: usize = 2000;
/// How deep operators may nest; `a + b + c` is two deep.
const DEEPEST: usize = 50;

/// An expression that may be compiled.
pub(super) struct Checked {
    /// What to compile.
    pub(super) text: String,
    /// The names at its leaves.
    pub(super) names: Vec<String>,
    /// The paths at its leaves: `quote.hs_title`.
    pub(super) paths: Vec<String>,
    /// Whether it is one path and nothing else.
    pub(super) is_path: bool,
}

/// Checks `text` against `scope`; every fault at once.
pub(super) fn rewrite(text: &str, scope: &Scope<'_>) -> Result<Checked, Vec<Fault>> {
    if text.len() > LONGEST {
        let message = format!("the expression is longer than {LONGEST} bytes");
        return Err(vec![Fault { code: "P0120", at: 0..text.len(), message, help: None }]);
    }
    let parsed = parse_expr(text).map_err(|error| {
        let message = format!("the expression is not understood: {}", error.detail().unwrap_or("it ends too early"));
        let at = error.range().filter(|at| at.start < text.len()).unwrap_or(0..text.len());
        vec![Fault { code: "P0120", at, message, help: None }]
    })?;
    let mut writer = Writer { scope, names: Vec::new(), paths: Vec::new(), faults: Vec::new(), depth: 0 };
    let written = writer.expr(&parsed);
    if !writer.faults.is_empty() {
        return Err(writer.faults);
    }
    Ok(Checked { text: written, names: writer.names, paths: writer.paths, is_path: path(&parsed).is_some() })
}

struct Writer<'a> {
    scope: &'a Scope<'a>,
    names: Vec<String>,
    paths: Vec<String>,
    faults: Vec<Fault>,
    depth: usize,
}

impl Writer<'_> {
    fn expr(&mut self, expr: &Expr<'_>) -> String {
        if self.depth == DEEPEST {
            return self.refuse("this is nested too deeply", expr.span());
        }
        self.depth += 1;
        let written = self.inner(expr);
        self.depth -= 1;
        written
    }

    fn inner(&mut self, expr: &Expr<'_>) -> String {
        if let Some(path) = path(expr) {
            return self.path(&path, expr.span());
        }
        match expr {
            Expr::Var(var) => self.path(var.id, var.span()),
            Expr::Const(constant) => self.constant(&constant.value, constant.span()),
            Expr::UnaryOp(op) => match op.op {
                UnaryOpKind::Not => format!("(not {})", self.expr(&op.expr)),
                UnaryOpKind::Neg => format!("__neg({})", self.expr(&op.expr)),
            },
            Expr::BinOp(op) => self.operation(op.op, &op.left, &op.right, op.span()),
            Expr::Compare(compare) => self.chain(&compare.expr, &compare.ops),
            Expr::IfExpr(choice) => {
                let otherwise = choice.false_expr.as_ref().map_or_else(|| "none".to_owned(), |expr| self.expr(expr));
                let (test, then) = (self.expr(&choice.test_expr), self.expr(&choice.true_expr));
                format!("({then} if {test} else {otherwise})")
            }
            Expr::Filter(filter) => {
                self.known("filter", filter.name, text::FILTERS, filter.span());
                self.written_out(filter.name, &filter.args, filter.span());
                let on = filter.expr.as_ref().map_or_else(|| "none".to_owned(), |expr| self.expr(expr));
                format!("({on})|{}({})", filter.name, self.arguments(&filter.args, filter.span()))
            }
            Expr::Test(test) => {
                self.known("test", test.name, text::TESTS, test.span());
                let on = self.expr(&test.expr);
                format!("(({on}) is {}({}))", test.name, self.arguments(&test.args, test.span()))
            }
            Expr::GetAttr(get) => format!("__attr({}, {})", self.expr(&get.expr), quoted(get.name)),
            Expr::GetItem(get) => format!("__attr({}, {})", self.expr(&get.expr), self.expr(&get.subscript_expr)),
            Expr::Call(call) => self.call(call, call.span()),
            Expr::List(list) => self.list(&list.items),
            Expr::Tuple(tuple) => self.list(&tuple.items),
            Expr::Slice(_) | Expr::Map(_) => self.refuse("this has no use in a mapping", expr.span()),
        }
    }

    /// `1 < x < 3` is `1 < x and x < 3`.
    fn chain(&mut self, first: &Expr<'_>, ops: &[CompareOp<'_>]) -> String {
        let mut left = first;
        let mut all = Vec::new();
        for op in ops {
            all.push(self.comparison(op.op, left, &op.expr));
            left = &op.expr;
        }
        format!("({})", all.join(" and "))
    }

    fn path(&mut self, path: &str, span: Span) -> String {
        let mut parts = path.split('.');
        let name = parts.next().unwrap_or_default();
        if !self.scope.knows(name) {
            let names = self.scope.names();
            let help = match suggestion(name, names.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("fields are {}", names.join(", ")),
            };
            self.fault("P0121", span, format!("there is no field `{name}`"), Some(help));
        }
        push_new(&mut self.names, name);
        push_new(&mut self.paths, path);
        parts.fold(name.to_owned(), |of, part| format!("__attr({of}, {})", quoted(part)))
    }

    fn constant(&mut self, value: &Value, span: Span) -> String {
        match value.kind() {
            ValueKind::None => "none".into(),
            ValueKind::Bool => if value.is_true() { "true" } else { "false" }.into(),
            ValueKind::String => quoted(value.as_str().unwrap_or_default()),
            ValueKind::Number if value.is_integer() => value.to_string(),
            ValueKind::Number => format!("__num({})", quoted(&value.to_string())),
            ValueKind::Seq => value.try_iter().map_or_else(
                |_| "[]".into(),
                |items| format!("[{}]", items.map(|item| self.constant(&item, span)).collect::<Vec<_>>().join(", ")),
            ),
            _ => self.refuse("this has no use in a mapping", span),
        }
    }

    fn operation(&mut self, op: BinOpKind, left: &Expr<'_>, right: &Expr<'_>, span: Span) -> String {
        let compared = match op {
            BinOpKind::Eq => Some(CompareOpKind::Eq),
            BinOpKind::Ne => Some(CompareOpKind::Ne),
            BinOpKind::Lt => Some(CompareOpKind::Lt),
            BinOpKind::Lte => Some(CompareOpKind::Lte),
            BinOpKind::Gt => Some(CompareOpKind::Gt),
            BinOpKind::Gte => Some(CompareOpKind::Gte),
            BinOpKind::In => Some(CompareOpKind::In),
            _ => None,
        };
        if let Some(op) = compared {
            return self.comparison(op, left, right);
        }
        let (left, right) = (self.expr(left), self.expr(right));
        match op {
            BinOpKind::ScAnd => format!("({left} and {right})"),
            BinOpKind::ScOr => format!("({left} or {right})"),
            BinOpKind::Concat => format!("(({left})|default('') ~ ({right})|default(''))"),
            BinOpKind::Add => format!("add({left}, {right})"),
            BinOpKind::Sub => format!("sub({left}, {right})"),
            BinOpKind::Mul => format!("mul({left}, {right})"),
            BinOpKind::Div => format!("div({left}, {right})"),
            BinOpKind::Rem => format!("__rem({left}, {right})"),
            _ => self.refuse("this operator has no exact meaning here", span),
        }
    }

    fn comparison(&mut self, op: CompareOpKind, left: &Expr<'_>, right: &Expr<'_>) -> String {
        let (left, right) = (self.expr(left), self.expr(right));
        let or_no = if self.scope.is_native() { "_or_no" } else { "" };
        match op {
            CompareOpKind::Eq => format!("__eq({left}, {right})"),
            CompareOpKind::Ne => format!("(not __eq({left}, {right}))"),
            CompareOpKind::Lt => format!("__lt{or_no}({left}, {right})"),
            CompareOpKind::Lte => format!("__le{or_no}({left}, {right})"),
            CompareOpKind::Gt => format!("__gt{or_no}({left}, {right})"),
            CompareOpKind::Gte => format!("__ge{or_no}({left}, {right})"),
            CompareOpKind::In => format!("__in({left}, {right})"),
            CompareOpKind::NotIn => format!("(not __in({left}, {right}))"),
        }
    }

    fn call(&mut self, call: &Call<'_>, span: Span) -> String {
        let Expr::Var(function) = &call.expr else {
            return self.refuse("values have no methods here; use a filter, such as name | upper", span);
        };
        self.known("function", function.id, functions::NAMES, function.span());
        if functions::OVER_LISTS.contains(&function.id) {
            self.attributes(&call.args);
        }
        format!("{}({})", function.id, self.arguments(&call.args, span))
    }

    /// The attributes that a sum reads of a list's items are names too.
    fn attributes(&mut self, arguments: &[CallArg<'_>]) {
        let Some((CallArg::Pos(list), attributes)) = arguments.split_first() else { return };
        let Some(list) = path(list) else { return };
        for attribute in attributes {
            let CallArg::Pos(Expr::Const(attribute)) = attribute else { continue };
            let Some(name) = attribute.value.as_str() else { continue };
            push_new(&mut self.paths, &format!("{list}.{name}"));
            if let Some(names) = self.scope.names_of_lines(&list).filter(|names| !names.contains(&name)) {
                let help = suggestion(name, names).map(|meant| format!("did you mean `{meant}`?"));
                self.fault("P0121", attribute.span(), format!("{list} have no field `{name}`"), help);
            }
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>], span: Span) -> String {
        let written: Vec<String> = arguments
            .iter()
            .map(|argument| match argument {
                CallArg::Pos(expr) => self.expr(expr),
                _ => self.refuse("arguments have no names here", span),
            })
            .collect();
        written.join(", ")
    }

    fn list(&mut self, items: &[Expr<'_>]) -> String {
        let items: Vec<String> = items.iter().map(|item| self.expr(item)).collect();
        format!("[{}]", items.join(", "))
    }

    /// Patterns, formats and zones that are written out are tried at load.
    fn written_out(&mut self, filter: &str, arguments: &[CallArg<'_>], span: Span) {
        let text = |argument: &CallArg<'_>| match argument {
            CallArg::Pos(Expr::Const(constant)) => constant.value.as_str().map(str::to_owned),
            _ => None,
        };
        let texts: Vec<Option<String>> = arguments.iter().map(text).collect();
        if let Err(message) = text::tried(filter, &texts) {
            self.fault("P0120", span, message, None);
        }
    }

    fn known(&mut self, what: &str, name: &str, names: &[&str], span: Span) {
        if names.contains(&name) {
            return;
        }
        let help = match suggestion(name, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known are {}", names.join(", ")),
        };
        self.fault("P0122", span, format!("there is no {what} `{name}`"), Some(help));
    }

    fn refuse(&mut self, message: &str, span: Span) -> String {
        self.fault("P0120", span, message.to_owned(), None);
        "none".into()
    }

    fn fault(&mut self, code: &'static str, span: Span, message: String, help: Option<String>) {
        let at = span.start_offset as usize..span.end_offset as usize;
        self.faults.push(Fault { code, at, message, help });
    }
}

/// `quote.hs_title`, where the expression is a name with attributes and nothing else.
fn path(expr: &Expr<'_>) -> Option<String> {
    match expr {
        Expr::Var(var) => Some(var.id.to_owned()),
        Expr::GetAttr(get) => Some(format!("{}.{}", path(&get.expr)?, get.name)),
        _ => None,
    }
}

fn push_new(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
