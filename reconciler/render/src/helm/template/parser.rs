//! Tokens to trees, as Go's `text/template` reads them: what it refuses is refused here, too, undefined variables and unknown
//! functions included.

use std::rc::Rc;

use super::constants;
use super::lexer::{BAD_CHARACTER, BAD_NUMBER, Kind, Token, UNCLOSED_ACTION, tokens};
use super::tree::{Body, Branch, Command, Node, Operand, Pipe, Source, Term, Tree};
use super::with_stack;
use crate::helm::fault::{TemplateError, TemplateProblem};
use crate::helm::functions;
use crate::helm::value::Text;

/// How deep control structures and parentheses may nest in one file.
const NESTING: u64 = 400;

/// Reads a file: the trees of its definitions, and its own as the last one.
pub(crate) fn parse(source: &Rc<Source>) -> Result<Vec<Rc<Tree>>, TemplateError> {
    let mut parser = Parser {
        source,
        tokens: tokens(source),
        at: 0,
        depth: 0,
        scope: Scope::default(),
        trees: Vec::new(),
    };
    let body = parser.file()?;
    parser.add(Rc::clone(&source.name), body)?;
    Ok(parser.trees)
}

type Parsed<T> = Result<T, TemplateError>;

/// What a definition knows: no variable of another one, no loop around it.
struct Scope {
    variables: Vec<Rc<str>>,
    ranges: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Scope { variables: vec![Rc::from("$")], ranges: 0 }
    }
}

/// What ended a body.
enum Ending {
    End,
    Else,
}

struct Parser<'a> {
    source: &'a Rc<Source>,
    tokens: Vec<Token>,
    at: usize,
    depth: u64,
    scope: Scope,
    trees: Vec<Rc<Tree>>,
}

impl Parser<'_> {
    fn peek(&self) -> Token {
        let last = Token { kind: Kind::End, from: self.source.text.len(), to: self.source.text.len() };
        self.tokens.get(self.at).or(self.tokens.last()).cloned().unwrap_or(last)
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn peek_word(&mut self) -> Token {
        while self.peek().kind == Kind::Space {
            self.at += 1;
        }
        self.peek()
    }

    fn next_word(&mut self) -> Token {
        self.peek_word();
        self.next()
    }

    fn bytes(&self, token: &Token) -> &[u8] {
        self.source.text.get(token.from..token.to).unwrap_or_default()
    }

    fn text(&self, token: &Token) -> String {
        String::from_utf8_lossy(self.bytes(token)).into_owned()
    }

    fn is(&self, token: &Token, keyword: &str) -> bool {
        token.kind == Kind::Identifier && self.bytes(token) == keyword.as_bytes()
    }

    fn error_at(&self, token: &Token, message: impl Into<String>) -> TemplateError {
        let at = self.source.place(offset(token));
        TemplateError::new(at, TemplateProblem::Syntax(message.into()))
    }

    fn error(&self, message: impl Into<String>) -> TemplateError {
        let at = self.at.saturating_sub(1);
        let token = self.tokens.get(at).cloned().unwrap_or_else(|| self.peek());
        self.error_at(&token, message)
    }

    fn unexpected(&self, token: &Token, context: &str) -> TemplateError {
        let message = match token.kind {
            Kind::Error(message) => self.lexical(token, message),
            Kind::End => "unexpected EOF".to_owned(),
            Kind::String | Kind::RawString | Kind::Text => format!("unexpected text in {context}"),
            _ => format!("unexpected {:?} in {context}", self.text(token)),
        };
        self.error_at(token, message)
    }

    /// What the lexer says, and what it is about.
    fn lexical(&self, token: &Token, message: &str) -> String {
        match message {
            BAD_NUMBER => format!("{message}: {:?}", self.text(token)),
            BAD_CHARACTER => {
                let rest = self.source.text.get(token.to..).unwrap_or_default();
                let window = String::from_utf8_lossy(rest.get(..4.min(rest.len())).unwrap_or_default());
                let character = window.chars().next().unwrap_or_default();
                format!("{message} {character:?} in a name{}", self.index_instead(token).unwrap_or_default())
            }
            UNCLOSED_ACTION => {
                let begin = self.tokens.iter().rev().find(|token| token.kind == Kind::LeftDelimiter);
                let place = begin.map(|begin| self.source.place(offset(begin)));
                place.map_or(message.to_owned(), |place| {
                    format!("{message}: its {{{{ is in line {}, column {}", place.line, place.column + 1)
                })
            }
            _ => message.to_owned(),
        }
    }

    /// How to write a field whose name has a dash in it.
    fn index_instead(&self, token: &Token) -> Option<String> {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let (before, after) = self.source.text.split_at_checked(token.from)?;
        let name = after.strip_prefix(b".")?;
        let length = name.iter().take_while(|byte| is_word(byte) || **byte == b'-').count();
        let name = String::from_utf8_lossy(&name[..length]);
        if !name.contains('-') {
            return None;
        }
        let path =
            before.iter().rev().take_while(|byte| is_word(byte) || matches!(byte, b'.' | b'$')).count();
        let path = String::from_utf8_lossy(&before[before.len() - path..]);
        let path = if path.is_empty() { "." } else { &path };
        Some(format!("; write (index {path} \"{name}\")"))
    }

    fn expect(&mut self, kind: &Kind, context: &str) -> Parsed<Token> {
        let token = self.next_word();
        if token.kind == *kind { Ok(token) } else { Err(self.unexpected(&token, context)) }
    }

    /// Reads something that holds others of its kind.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= NESTING {
            let at = self.source.place(offset(&self.peek()));
            let problem = TemplateProblem::Limit { what: "levels of nesting in one file", limit: NESTING };
            return Err(TemplateError::new(at, problem));
        }
        self.depth += 1;
        let result = with_stack(|| read(self));
        self.depth -= 1;
        result
    }

    /// A definition does not replace one of the same file unless one of the two is empty.
    fn add(&mut self, name: Rc<str>, body: Body) -> Parsed<()> {
        let tree = Rc::new(Tree { name, source: Rc::clone(self.source), body });
        match self.trees.iter_mut().find(|held| held.name == tree.name) {
            None => self.trees.push(tree),
            Some(held) if held.is_empty() => *held = tree,
            Some(_) if tree.is_empty() => {}
            Some(held) => {
                let message = format!("multiple definition of template {:?}", held.name);
                return Err(self.error(message));
            }
        }
        Ok(())
    }

    /// The whole text. Only here may something be defined.
    fn file(&mut self) -> Parsed<Body> {
        let mut body = Body::new();
        loop {
            let begin = self.at;
            let token = self.next();
            match token.kind {
                Kind::End => return Ok(body),
                Kind::LeftDelimiter => {
                    let word = self.next_word();
                    if self.is(&word, "define") {
                        self.definition()?;
                        continue;
                    }
                }
                _ => {}
            }
            self.at = begin;
            match self.text_or_action()? {
                Ok(node) => body.push(node),
                Err(Ending::End) => return Err(self.error("unexpected {{end}}")),
                Err(Ending::Else) => return Err(self.error("unexpected {{else}}")),
            }
        }
    }

    fn definition(&mut self) -> Parsed<()> {
        let context = "define clause";
        let name = self.template_name(context)?;
        self.expect(&Kind::RightDelimiter, context)?;
        self.defined_body(name, context)
    }

    /// The body of a `define` or `block`, up to its `end`.
    fn defined_body(&mut self, name: Rc<str>, context: &str) -> Parsed<()> {
        let outside = std::mem::take(&mut self.scope);
        let (body, ending) = self.nested(Self::body)?;
        self.scope = outside;
        match ending {
            Ending::End => self.add(name, body),
            Ending::Else => Err(self.error(format!("unexpected {{{{else}}}} in {context}"))),
        }
    }

    fn template_name(&mut self, context: &str) -> Parsed<Rc<str>> {
        let token = self.next_word();
        match token.kind {
            Kind::String | Kind::RawString => Ok(Rc::from(&*self.unquoted(&token)?.as_str())),
            _ => Err(self.unexpected(&token, context)),
        }
    }

    fn unquoted(&self, token: &Token) -> Parsed<Text> {
        constants::unquote(&self.text(token))
            .ok_or_else(|| self.error_at(token, "invalid syntax in a quoted text"))
    }

    fn body(&mut self) -> Parsed<(Body, Ending)> {
        let mut body = Body::new();
        loop {
            let token = self.peek_word();
            if token.kind == Kind::End {
                return Err(self.error_at(&token, "unexpected EOF: an {{end}} is missing"));
            }
            match self.text_or_action()? {
                Ok(node) => body.push(node),
                Err(ending) => return Ok((body, ending)),
            }
        }
    }

    fn text_or_action(&mut self) -> Parsed<Result<Node, Ending>> {
        let token = self.next_word();
        match token.kind {
            Kind::Text => Ok(Ok(Node::Text(Text::from_bytes(self.bytes(&token))))),
            Kind::LeftDelimiter => self.action(),
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Parsed<Result<Node, Ending>> {
        let token = self.peek_word();
        let word = if token.kind == Kind::Identifier { self.text(&token) } else { String::new() };
        self.at += 1;
        let node = match word.as_str() {
            "block" => self.block()?,
            "break" => self.leave(Node::Break, "{{break}}")?,
            "continue" => self.leave(Node::Continue, "{{continue}}")?,
            "else" => {
                let word = self.peek_word();
                if !self.is(&word, "if") && !self.is(&word, "with") {
                    self.expect(&Kind::RightDelimiter, "else")?;
                }
                return Ok(Err(Ending::Else));
            }
            "end" => {
                self.expect(&Kind::RightDelimiter, "end")?;
                return Ok(Err(Ending::End));
            }
            "if" => self.nested(|parser| parser.control(Branch::If))?,
            "range" => self.nested(|parser| parser.control(Branch::Range))?,
            "with" => self.nested(|parser| parser.control(Branch::With))?,
            "template" => self.template()?,
            _ => {
                self.at -= 1;
                Node::Action(self.pipeline("command", &Kind::RightDelimiter)?)
            }
        };
        Ok(Ok(node))
    }

    fn leave(&mut self, node: Node, what: &str) -> Parsed<Node> {
        self.expect(&Kind::RightDelimiter, what)?;
        if self.scope.ranges == 0 {
            return Err(self.error(format!("{what} outside {{{{range}}}}")));
        }
        Ok(node)
    }

    fn control(&mut self, kind: Branch) -> Parsed<Node> {
        let variables = self.scope.variables.len();
        let context = match kind {
            Branch::If => "if",
            Branch::With => "with",
            Branch::Range => "range",
        };
        let pipe = self.pipeline(context, &Kind::RightDelimiter)?;
        let loops = usize::from(kind == Branch::Range);
        self.scope.ranges += loops;
        let (body, ending) = self.body()?;
        self.scope.ranges -= loops;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else => Some(self.otherwise(kind, context)?),
        };
        self.scope.variables.truncate(variables);
        Ok(Node::Branch { kind, pipe, body, otherwise })
    }

    /// What follows `{{else`: `if` within `if` and `with` within `with` share the `{{end}}`.
    fn otherwise(&mut self, kind: Branch, context: &str) -> Parsed<Body> {
        let word = self.peek_word();
        if kind != Branch::Range && self.is(&word, context) {
            self.at += 1;
            return Ok(vec![self.nested(|parser| parser.control(kind))?]);
        }
        match self.body()? {
            (body, Ending::End) => Ok(body),
            (_, Ending::Else) => Err(self.error("expected end; found {{else}}")),
        }
    }

    fn block(&mut self) -> Parsed<Node> {
        let context = "block clause";
        let at = offset(&self.peek_word());
        let name = self.template_name(context)?;
        let pipe = self.pipeline(context, &Kind::RightDelimiter)?;
        self.defined_body(Rc::clone(&name), context)?;
        Ok(Node::Template { at, name, pipe: Some(pipe) })
    }

    fn template(&mut self) -> Parsed<Node> {
        let context = "template clause";
        let at = offset(&self.peek_word());
        let name = self.template_name(context)?;
        if self.peek_word().kind == Kind::RightDelimiter {
            self.at += 1;
            return Ok(Node::Template { at, name, pipe: None });
        }
        let pipe = self.pipeline(context, &Kind::RightDelimiter)?;
        Ok(Node::Template { at, name, pipe: Some(pipe) })
    }

    fn pipeline(&mut self, context: &str, end: &Kind) -> Parsed<Pipe> {
        let at = offset(&self.peek_word());
        let mut pipe = Pipe { at, variables: Vec::new(), assigns: false, commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.peek_word();
            if token.kind == *end {
                self.at += 1;
                break;
            }
            if !self.begins_term(&token) {
                return Err(self.unexpected(&token, context));
            }
            let command = self.command()?;
            pipe.commands.push(command);
        }
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (at, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.operands.first().map(|operand| &operand.term);
            if let Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text(_)) = first {
                return Err(self.error(format!("non executable command in pipeline stage {}", at + 1)));
            }
        }
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, and for `range` also `$i, $x :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        loop {
            let begin = self.at;
            let token = self.peek_word();
            if token.kind != Kind::Variable {
                return Ok(());
            }
            self.at += 1;
            let after = self.peek_word();
            let comma = after.kind == Kind::Char && self.bytes(&after) == b",";
            if !comma && !matches!(after.kind, Kind::Assign | Kind::Declare) {
                self.at = begin;
                return Ok(());
            }
            self.at += 1;
            let name: Rc<str> = Rc::from(self.text(&token));
            pipe.variables.push(Rc::clone(&name));
            self.scope.variables.push(name);
            if !comma {
                pipe.assigns = after.kind == Kind::Assign;
                return Ok(());
            }
            if context != "range" || pipe.variables.len() > 1 {
                return Err(self.error(format!("too many declarations in {context}")));
            }
            let next = self.peek_word();
            if !matches!(next.kind, Kind::Variable | Kind::RightDelimiter | Kind::RightParenthesis) {
                return Err(self.error("range can only initialize variables"));
            }
        }
    }

    fn begins_term(&self, token: &Token) -> bool {
        match token.kind {
            Kind::Identifier => !is_keyword(self.bytes(token)),
            Kind::Bool
            | Kind::CharConstant
            | Kind::Dot
            | Kind::Field
            | Kind::Number
            | Kind::RawString
            | Kind::String
            | Kind::Variable
            | Kind::LeftParenthesis => true,
            _ => false,
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        let at = offset(&self.peek_word());
        let mut operands = Vec::new();
        loop {
            let token = self.peek_word();
            if self.begins_term(&token) {
                operands.push(self.operand()?);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelimiter | Kind::RightParenthesis => self.at -= 1,
                Kind::Pipe => {}
                _ => return Err(self.unexpected(&token, "operand")),
            }
            break;
        }
        Ok(Command { at, operands })
    }

    /// A term, possibly followed by fields.
    fn operand(&mut self) -> Parsed<Operand> {
        let token = self.next();
        let at = offset(&token);
        let term = self.term(&token)?;
        let mut fields: Vec<Rc<str>> = Vec::new();
        while self.peek().kind == Kind::Field {
            let field = self.next();
            fields.push(self.field_name(&field));
        }
        if fields.is_empty() {
            return Ok(Operand { at, term });
        }
        let term = match term {
            Term::Field(mut path) => {
                path.append(&mut fields);
                Term::Field(path)
            }
            Term::Variable(name, _) => Term::Variable(name, fields),
            Term::Bool(_) | Term::Text(_) | Term::Number(_) | Term::Nil | Term::Dot => {
                return Err(self.error("unexpected . after a constant"));
            }
            term => Term::Chain(Box::new(Operand { at, term }), fields),
        };
        Ok(Operand { at, term })
    }

    fn field_name(&self, token: &Token) -> Rc<str> {
        Rc::from(self.text(token).trim_start_matches('.'))
    }

    fn term(&mut self, token: &Token) -> Parsed<Term> {
        Ok(match token.kind {
            Kind::Dot => Term::Dot,
            Kind::Field => Term::Field(vec![self.field_name(token)]),
            Kind::Bool => Term::Bool(self.bytes(token) == b"true"),
            Kind::String | Kind::RawString => Term::Text(self.unquoted(token)?),
            Kind::Number => Term::Number(
                constants::number(&self.text(token))
                    .ok_or_else(|| self.error_at(token, "illegal number syntax"))?,
            ),
            Kind::CharConstant => Term::Number(
                constants::character(&self.text(token))
                    .ok_or_else(|| self.error_at(token, "malformed character constant"))?,
            ),
            Kind::LeftParenthesis => {
                let read =
                    |parser: &mut Self| parser.pipeline("parenthesized pipeline", &Kind::RightParenthesis);
                Term::Pipe(Box::new(self.nested(read)?))
            }
            Kind::Variable => {
                let name = self.text(token);
                if !self.scope.variables.iter().any(|known| **known == *name) {
                    return Err(self.error_at(token, format!("undefined variable {name:?}")));
                }
                Term::Variable(Rc::from(name), Vec::new())
            }
            _ => match self.text(token).as_str() {
                "nil" => Term::Nil,
                name => Term::Function(
                    functions::find(name).ok_or_else(|| self.error_at(token, functions::unknown(name)))?,
                ),
            },
        })
    }
}

fn offset(token: &Token) -> u32 {
    u32::try_from(token.from).unwrap_or(u32::MAX)
}

fn is_keyword(word: &[u8]) -> bool {
    [&b"block"[..], b"break", b"continue", b"define", b"else", b"end", b"if", b"range", b"template", b"with"]
        .contains(&word)
}
