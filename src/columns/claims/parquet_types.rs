//! The fields of Parquet's descriptions and their types, by number: all that the crate `parquet` 60 knows. One that it knows and this does not would be read
//! as another type than the one that is looked at.
//!
//! Source: <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

/// A type, as far as it matters to how many bytes a value has.
pub(super) enum Type {
    Boolean,
    Byte,
    /// An integer of 16 to 64 bits, or one of an enumeration.
    Number,
    Double,
    /// Bytes or text.
    Bytes,
    Struct(Fields),
    /// A node of the schema: a structure, which is followed by its children.
    Node(Fields),
    List(&'static Type),
    /// A number that the crate asks for memory by.
    Claim(Claim),
}

/// What a number claims.
#[derive(Clone, Copy)]
pub(super) enum Claim {
    /// How many children a node of the schema has.
    Children,
    /// How many bytes a page has.
    Packed,
    /// How many they become.
    Unpacked,
}

/// Fields of a structure.
pub(super) type Fields = &'static [(i16, Type)];

use Type::{Boolean, Byte, Bytes, Double, List, Node, Number, Struct};

impl Type {
    /// Returns whether the protocol numbers it `kind`.
    pub fn is(&self, kind: u8) -> bool {
        match self {
            Boolean => matches!(kind, 1 | 2),
            Byte => kind == 3,
            Number | Type::Claim(_) => matches!(kind, 4..=6),
            Double => kind == 7,
            Bytes => kind == 8,
            List(_) => matches!(kind, 9 | 10),
            Struct(_) | Node(_) => kind == 12,
        }
    }
}

/// `FileMetaData`.
pub(super) const FILE: Fields = &[
    (1, Number),
    (2, List(&Node(SCHEMA_ELEMENT))),
    (3, Number),
    (4, List(&Struct(ROW_GROUP))),
    (5, List(&Struct(KEY_VALUE))),
    (6, Bytes),
    (7, List(&Struct(COLUMN_ORDER))),
    (8, Struct(ENCRYPTION)),
    (9, Bytes),
];

/// `PageHeader`.
pub(super) const PAGE: Fields = &[
    (1, Number),
    (2, Type::Claim(Claim::Unpacked)),
    (3, Type::Claim(Claim::Packed)),
    (4, Number),
    (5, Struct(&[(1, Number), (2, Number), (3, Number), (4, Number), (5, Struct(STATISTICS))])),
    (6, Struct(&[])),
    (7, Struct(&[(1, Number), (2, Number), (3, Boolean)])),
    (8, Struct(DATA_PAGE_V2)),
];

const DATA_PAGE_V2: Fields = &[
    (1, Number),
    (2, Number),
    (3, Number),
    (4, Number),
    (5, Number),
    (6, Number),
    (7, Boolean),
    (8, Struct(STATISTICS)),
];

const SCHEMA_ELEMENT: Fields = &[
    (1, Number),
    (2, Number),
    (3, Number),
    (4, Bytes),
    (5, Type::Claim(Claim::Children)),
    (6, Number),
    (7, Number),
    (8, Number),
    (9, Number),
    (10, Struct(LOGICAL_TYPE)),
];

const LOGICAL_TYPE: Fields = &[
    (1, Struct(&[])),
    (2, Struct(&[])),
    (3, Struct(&[])),
    (4, Struct(&[])),
    (5, Struct(&[(1, Number), (2, Number)])),
    (6, Struct(&[])),
    (7, Struct(TIME)),
    (8, Struct(TIME)),
    (10, Struct(&[(1, Byte), (2, Boolean)])),
    (11, Struct(&[])),
    (12, Struct(&[])),
    (13, Struct(&[])),
    (14, Struct(&[])),
    (15, Struct(&[])),
    (16, Struct(&[(1, Byte)])),
    (17, Struct(&[(1, Bytes)])),
    (18, Struct(&[(1, Bytes), (2, Number)])),
];

/// `TimeType` and `TimestampType`.
const TIME: Fields = &[(1, Boolean), (2, Struct(&[(1, Struct(&[])), (2, Struct(&[])), (3, Struct(&[]))]))];

const ROW_GROUP: Fields = &[
    (1, List(&Struct(COLUMN_CHUNK))),
    (2, Number),
    (3, Number),
    (4, List(&Struct(&[(1, Number), (2, Boolean), (3, Boolean)]))),
    (5, Number),
    (6, Number),
    (7, Number),
];

const COLUMN_CHUNK: Fields = &[
    (1, Bytes),
    (2, Number),
    (3, Struct(COLUMN)),
    (4, Number),
    (5, Number),
    (6, Number),
    (7, Number),
    (8, Struct(&[(1, Struct(&[])), (2, Struct(&[(1, List(&Bytes)), (2, Bytes)]))])),
    (9, Bytes),
];

/// `ColumnMetaData`.
const COLUMN: Fields = &[
    (1, Number),
    (2, List(&Number)),
    (3, List(&Bytes)),
    (4, Number),
    (5, Number),
    (6, Number),
    (7, Number),
    (8, List(&Struct(KEY_VALUE))),
    (9, Number),
    (10, Number),
    (11, Number),
    (12, Struct(STATISTICS)),
    (13, List(&Struct(&[(1, Number), (2, Number), (3, Number)]))),
    (14, Number),
    (15, Number),
    (16, Struct(&[(1, Number), (2, List(&Number)), (3, List(&Number))])),
    (17, Struct(&[(1, Struct(BOX)), (2, List(&Number))])),
];

/// `BoundingBox`.
const BOX: Fields =
    &[(1, Double), (2, Double), (3, Double), (4, Double), (5, Double), (6, Double), (7, Double), (8, Double)];

const STATISTICS: Fields = &[
    (1, Bytes),
    (2, Bytes),
    (3, Number),
    (4, Number),
    (5, Bytes),
    (6, Bytes),
    (7, Boolean),
    (8, Boolean),
    (9, Number),
];

const KEY_VALUE: Fields = &[(1, Bytes), (2, Bytes)];

const COLUMN_ORDER: Fields = &[(1, Struct(&[])), (2, Struct(&[])), (3, Struct(&[]))];

const ENCRYPTION: Fields = &[(1, Struct(CIPHER)), (2, Struct(CIPHER))];

/// `AesGcmV1` and `AesGcmCtrV1`.
const CIPHER: Fields = &[(1, Bytes), (2, Bytes), (3, Boolean)];
