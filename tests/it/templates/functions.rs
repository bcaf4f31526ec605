//! What templates can call, with the kinds of its arguments and of its result.
//!
//! Absent on purpose: what needs a clock, randomness or keys, which a render refuses (`now`, `ago`, `genCA`, …), and `keys` and `values`
//! by themselves, whose order is random in Go.

/// An enum and the list of all its values.
macro_rules! listed {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $value:ident,)+ }) => {
        $(#[$about])*
        pub enum $name { $($(#[$doc])* $value,)+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$value,)+];
        }
    };
}

listed! {
    /// The kinds of values that expressions have. Most are texts of some form.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    Kind {
        Any,
        Text,
        Int,
        /// A small number that may say how often something is done.
        Count,
        Float,
        Bool,
        List,
        /// A list of texts.
        Words,
        Dict,
        /// A map that nobody else holds: what is put into it cannot hold it.
        Fresh,
        /// Anything that holds nothing.
        Scalar,
        Key,
        Time,
        Duration,
        Version,
        Url,
        // Forms of texts.
        Pattern,
        VersionText,
        VersionRange,
        Layout,
        Zone,
        Span,
        Address,
        Json,
        JsonList,
        Yaml,
        YamlList,
        Toml,
        Base64,
        Base32,
        Path,
        GoType,
        BasicType,
        Separator,
    }
}

impl Kind {
    fn named(name: &str) -> Kind {
        let found = Kind::ALL.iter().copied().find(|kind| format!("{kind:?}").to_lowercase() == name);
        found.unwrap_or_else(|| unreachable!("no kind is called {name}"))
    }
}

/// A way to call a function.
pub struct Signature {
    pub name: &'static str,
    pub arguments: Vec<Kind>,
    pub result: Kind,
}

/// All ways to call functions.
pub fn all() -> Vec<Signature> {
    let signature = |line: &'static str| {
        let (names, kinds) = line.split_once(':').unwrap_or_default();
        let (arguments, result) = kinds.split_once("->").unwrap_or_default();
        let arguments: Vec<Kind> = arguments.split_whitespace().map(Kind::named).collect();
        let result = Kind::named(result.trim());
        names
            .split_whitespace()
            .map(|name| Signature { name, arguments: arguments.clone(), result })
            .collect::<Vec<_>>()
    };
    TABLE.lines().filter(|line| !line.is_empty()).flat_map(signature).collect()
}

const TABLE: &str = "\
print println html js urlquery: any -> text
print println html js urlquery: any any -> text
print println cat: text int any -> text
len: text -> int
len: list -> int
len: dict -> int
index: list count -> any
index: words count -> text
index: dict key -> any
index: text count -> any
index: dict key key -> any
index: any -> any
and or: any any -> any
and or: any any any -> any
not: any -> bool
eq ne: text text -> bool
eq ne: scalar scalar -> bool
eq: int int int -> bool
eq ne: any any -> bool
lt le gt ge: int int -> bool
lt le gt ge: float float -> bool
lt le gt ge: text text -> bool
lt le gt ge: scalar scalar -> bool
call: any -> any

hello: -> text
abbrev: count text -> text
abbrevboth: count count text -> text
trunc: count text -> text
trunc: int text -> text
trim upper lower title untitle nospace initials swapcase snakecase camelcase kebabcase: text -> text
substr: count count text -> text
substr: int int text -> text
repeat: count text -> text
trimall trimAll trimSuffix trimPrefix: separator text -> text
wrap: count text -> text
wrapWith: count text text -> text
contains hasPrefix hasSuffix: text text -> bool
contains hasPrefix hasSuffix: separator text -> bool
quote squote: any -> text
quote squote: any any -> text
quote squote cat: -> text
cat: any any -> text
indent nindent: count text -> text
replace: separator text text -> text
plural: text text count -> text
sha1sum sha256sum sha512sum adler32sum: text -> text
toString: any -> text
toString: bool -> text
toStrings: list -> words
toStrings: any -> words
join: separator list -> text
join: separator any -> text
join: separator words -> text
sortAlpha: words -> words
sortAlpha: list -> words
split: separator text -> any
splitn: separator count text -> any
splitList: separator text -> words

atoi: text -> int
int: scalar -> int
int: any -> int
int64 toDecimal: scalar -> int
int64: any -> int
float64: scalar -> float
float64: any -> float
seq: count -> text
seq: count count -> text
seq: count count count -> text
until: count -> list
untilStep: count count count -> list
add sub mul div mod max min biggest: int int -> int
add sub mul div mod max min biggest: scalar scalar -> int
add mul max min: int int float -> int
add: -> int
mul max: float -> int
add1: scalar -> int
add1f ceil floor: float -> float
add1f ceil floor: scalar -> float
addf subf divf mulf maxf minf: float float -> float
addf subf divf mulf maxf minf: float int scalar -> float
round: float count -> float
round: scalar count float -> float

default: any any -> any
default: text text -> text
default: int any -> any
empty: any -> bool
coalesce all any: any any -> any
coalesce all any: -> any
ternary: any any bool -> any
ternary: text text bool -> text
compact mustCompact: list -> list
fromJson: json -> dict
mustFromJson: json -> any
fromJsonArray: jsonlist -> list
toJson toPrettyJson toRawJson mustToJson mustToPrettyJson mustToRawJson: any -> text
toJson toPrettyJson toRawJson: dict -> json
toJson: list -> jsonlist
deepCopy mustDeepCopy: dict -> dict
deepCopy mustDeepCopy: any -> any
deepEqual: any any -> bool
typeOf kindOf: any -> text
typeIs typeIsLike: gotype any -> bool
kindIs: basictype any -> bool

base dir clean ext osBase osDir osClean osExt: path -> path
base dir clean ext osBase osDir osClean osExt: text -> text
isAbs osIsAbs: path -> bool
b64enc: text -> base64
b64dec: base64 -> text
b32enc: text -> base32
b32dec: base32 -> text
b64dec b32dec: text -> text

tuple list: -> list
tuple list: any -> list
list: any any -> list
list: int int int -> list
list: text text text -> words
dict: key any -> dict
dict: key any key any -> dict
dict: -> dict
dict: key -> dict
get: dict key -> any
set: fresh key any -> dict
set: dict key scalar -> dict
unset: dict key -> dict
hasKey: dict key -> bool
pluck: key dict dict -> list
pick omit: dict key key -> dict
pick omit: dict key -> dict
merge mergeOverwrite mustMerge mustMergeOverwrite: fresh dict -> dict
merge mergeOverwrite: fresh dict dict -> dict
append push mustAppend mustPush prepend mustPrepend: list any -> list
append prepend: words text -> list
append prepend: list list -> list
first mustFirst last mustLast: list -> any
first last: words -> text
first last: text -> any
rest mustRest initial mustInitial reverse mustReverse uniq mustUniq: list -> list
rest initial reverse uniq: words -> list
without mustWithout: list any -> list
without: list any any -> list
has mustHas: any list -> bool
slice mustSlice: list count -> list
slice mustSlice: list count count -> list
concat: list list -> list
concat: list words -> list
concat: list -> list
chunk mustChunk: count list -> list
dig: key any dict -> any
dig: key key any dict -> any

semver: versiontext -> version
semverCompare: versionrange versiontext -> bool
regexMatch mustRegexMatch: pattern text -> bool
regexFindAll mustRegexFindAll: pattern text int -> words
regexFind mustRegexFind: pattern text -> text
regexReplaceAll mustRegexReplaceAll regexReplaceAllLiteral mustRegexReplaceAllLiteral: pattern text text -> text
regexSplit mustRegexSplit: pattern text int -> words
regexQuoteMeta: text -> text
urlParse: address -> url
urlJoin: url -> text
urlJoin: dict -> text

date: layout time -> text
dateInZone date_in_zone: layout time zone -> text
htmlDate: time -> text
htmlDateInZone: time zone -> text
dateModify date_modify mustDateModify must_date_modify: span time -> time
toDate mustToDate: layout text -> time
unixEpoch: time -> text
duration: count -> text
duration: any -> text
durationRound: span -> text
durationRound: int -> text
mustToDuration: span -> duration
mustToDuration: scalar -> duration
durationSeconds durationMilliseconds durationMicroseconds durationNanoseconds: span -> any
durationMinutes durationHours durationDays durationWeeks: span -> float
durationSeconds durationMinutes durationDays: scalar -> float
durationSeconds durationMilliseconds durationMicroseconds durationNanoseconds: any -> any
durationRoundTo durationTruncateTo: span span -> duration
durationRoundTo durationTruncateTo: duration scalar -> duration

toYaml mustToYaml toYamlPretty: any -> text
toYaml toYamlPretty: dict -> yaml
toYaml: list -> yamllist
fromYaml: yaml -> dict
fromYamlArray: yamllist -> list
toToml mustToToml: dict -> text
toToml: dict -> toml
fromToml: toml -> dict
required: text any -> any
fail: text -> text
lookup: text text text text -> dict
getHostByName: text -> text
";
