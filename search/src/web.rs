//! The wasm-bindgen edge: the same classes with JavaScript's names. What fails is thrown as an `Error` with a `code`.

mod cut;
mod errors;

use crate::error;
use crate::rows::{self, Block, invalid};
use crate::scan;
use errors::thrown;
use js_sys::{Float32Array, Function, Int8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

/// Rows that are copied out of JavaScript's memory at a time.
const BATCH: usize = 1024;

/// Rows in memory.
#[wasm_bindgen]
pub struct Rows(rows::Rows);

#[wasm_bindgen]
impl Rows {
    /// Creates an empty set of rows of vectors with `dimensions` components.
    #[wasm_bindgen(constructor)]
    pub fn new(dimensions: usize) -> Result<Self, JsValue> {
        rows::Rows::new(dimensions).map(Self).map_err(thrown)
    }

    /// Appends vectors of unit length, [n, dimensions]; returns the number of the first one's row.
    pub fn add(&mut self, vectors: &Float32Array) -> Result<usize, JsValue> {
        self.appending(|all| {
            let (length, batch) = (vectors.length() as usize, BATCH * all.dimensions());
            let mut room = Vec::new();
            for from in (0..length).step_by(batch) {
                let part = vectors.subarray(from as u32, length.min(from + batch) as u32);
                all.add(filled(&mut room, part.length() as usize, |room| part.copy_to(room))?)?;
            }
            Ok(())
        })
    }

    /// Appends rows that have been made before; returns the number of the first one.
    #[wasm_bindgen(js_name = addRows)]
    pub fn add_rows(
        &mut self,
        scales: &Float32Array,
        coarse: &Int8Array,
        fine: Option<Int8Array>,
    ) -> Result<usize, JsValue> {
        self.appending(|all| {
            let (dimensions, count) = (all.dimensions(), scales.length() as usize);
            check_lengths(dimensions, count, coarse, fine.as_ref())?;
            let (mut scales_room, mut coarse_room, mut fine_room) = (Vec::new(), Vec::new(), Vec::new());
            for from in (0..count).step_by(BATCH) {
                let end = count.min(from + BATCH);
                let rows = [from as u32, end as u32];
                let components = [(from * dimensions) as u32, (end * dimensions) as u32];
                let scales = scales.subarray(rows[0], rows[1]);
                let scales = filled(&mut scales_room, end - from, |room| scales.copy_to(room))?;
                let take = |array: &Int8Array, room| {
                    let part = array.subarray(components[0], components[1]);
                    filled(room, part.length() as usize, |room| part.copy_to(room)).map(|part| part as &[i8])
                };
                let coarse = take(coarse, &mut coarse_room)?;
                let fine = fine.as_ref().map(|fine| take(fine, &mut fine_room)).transpose()?;
                all.add_rows(&Block::new(dimensions, scales, coarse, fine)?)?;
            }
            Ok(())
        })
    }

    /// Returns the scales of `count` rows from `from` on.
    pub fn scales(&self, from: usize, count: usize) -> Result<Vec<f32>, JsValue> {
        self.0.scales(from, count).map_err(thrown)
    }

    /// Returns their coarse components, [count, dimensions].
    pub fn coarse(&self, from: usize, count: usize) -> Result<Vec<i8>, JsValue> {
        self.0.coarse(from, count).map_err(thrown)
    }

    /// Returns their fine components, [count, dimensions]; undefined if the rows have none.
    pub fn fine(&self, from: usize, count: usize) -> Result<Option<Vec<i8>>, JsValue> {
        self.0.fine(from, count).map_err(thrown)
    }

    /// Returns the vector of a row.
    pub fn vector(&self, row: usize) -> Result<Vec<f32>, JsValue> {
        self.0.vector(row).map_err(thrown)
    }

    /// Returns the number of rows.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// Removes all rows and gives their memory back.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Scans for the `count` rows that are nearest to a query of unit length. `allowed` is a bitmap of the rows that
    /// count: row r is bit r % 8 of byte r >> 3.
    pub fn top(&self, query: &[f32], count: usize, allowed: Option<Box<[u8]>>) -> Result<Found, JsValue> {
        scan::top(&self.0, query, count, allowed.as_deref()).map(Found).map_err(thrown)
    }

    /// Returns the cosines of some rows, given by their numbers, with a query of unit length: those that `top` returns.
    pub fn cosines(&self, query: &[f32], rows: &[u32]) -> Result<Vec<f32>, JsValue> {
        scan::cosines(&self.0, query, rows).map_err(thrown)
    }
}

impl Rows {
    /// Lets `append` append in parts; takes all back if one fails.
    fn appending(&mut self, append: impl FnOnce(&mut rows::Rows) -> error::Result<()>) -> Result<usize, JsValue> {
        let first = self.0.len();
        let appended = append(&mut self.0);
        if appended.is_err() {
            self.0.truncate(first);
        }
        appended.map(|()| first).map_err(thrown)
    }
}

/// What a scan has found.
#[wasm_bindgen]
pub struct Found(scan::Found);

#[wasm_bindgen]
impl Found {
    /// Returns the numbers of the best rows, best first; of equal cosines the lower number first.
    #[wasm_bindgen(getter)]
    pub fn rows(&self) -> Vec<u32> {
        self.0.rows.clone()
    }

    /// Returns their cosines with the query.
    #[wasm_bindgen(getter)]
    pub fn scores(&self) -> Vec<f32> {
        self.0.scores.clone()
    }

    /// Returns the mean of the cosines of all rows that were allowed; 0 if there were none.
    #[wasm_bindgen(getter)]
    pub fn mean(&self) -> f64 {
        self.0.mean
    }

    /// Returns their standard deviation; 0 if there were none.
    #[wasm_bindgen(getter)]
    pub fn deviation(&self) -> f64 {
        self.0.deviation
    }

    /// Returns how many rows were allowed.
    #[wasm_bindgen(getter)]
    pub fn seen(&self) -> usize {
        self.0.seen
    }
}

/// A scan of rows that come block by block, such as from a disk.
#[wasm_bindgen]
pub struct Sweep {
    sweep: scan::Sweep,
    dimensions: usize,
    scales: Vec<f32>,
    coarse: Vec<i8>,
}

#[wasm_bindgen]
impl Sweep {
    /// Starts a scan for the `count` rows that are nearest to a query of unit length.
    #[wasm_bindgen(constructor)]
    pub fn new(query: &[f32], count: usize) -> Result<Self, JsValue> {
        let sweep = scan::Sweep::new(query, count).map_err(thrown)?;
        Ok(Self { sweep, dimensions: query.len(), scales: Vec::new(), coarse: Vec::new() })
    }

    /// Scans the rows from `first` on; each row may come once. `allowed` is a bitmap of all rows of the scan, as for `top`.
    ///
    /// Of `fine`, only the components of rows that are among the best so far are read. It may also be a function that returns
    /// those of one row, by its number: then they need not be in memory.
    pub fn block(
        &mut self,
        scales: &Float32Array,
        coarse: &Int8Array,
        #[wasm_bindgen(unchecked_param_type = "Int8Array | ((row: number) => Int8Array) | undefined")] fine: &JsValue,
        first: u32,
        allowed: Option<Box<[u8]>>,
    ) -> Result<(), JsValue> {
        let mut own = None;
        let fine = match (fine.dyn_ref::<Int8Array>(), fine.dyn_ref::<Function>()) {
            (Some(all), _) => Fine::All(all),
            (_, Some(of_row)) => Fine::OfRow(of_row, &mut own),
            _ if fine.is_undefined() || fine.is_null() => Fine::None,
            _ => {
                return Err(thrown(invalid("fine components are an Int8Array, or a function that returns one".into())));
            }
        };
        let scanned = self.scan(scales, coarse, fine, first, allowed.as_deref());
        // What the function has thrown goes through as it is.
        own.map_or_else(|| scanned.map_err(thrown), Err)
    }

    /// Ends the scan and returns what it has found.
    pub fn finish(self) -> Result<Found, JsValue> {
        self.sweep.finish().map(Found).map_err(thrown)
    }
}

/// Where the fine components of a block are.
enum Fine<'a> {
    None,
    All(&'a Int8Array),
    /// A function of a row's number, and what it has thrown.
    OfRow(&'a Function, &'a mut Option<JsValue>),
}

impl Fine<'_> {
    /// Writes the components of a row: number `at` of its block, whose first is `first`. Returns whether there are any.
    fn read(&mut self, first: u32, at: usize, room: &mut [i8]) -> error::Result<bool> {
        let found = match self {
            Self::None => return Ok(false),
            Self::All(all) => all.subarray((at * room.len()) as u32, ((at + 1) * room.len()) as u32),
            Self::OfRow(of_row, own) => {
                let row = first as usize + at;
                let returned = of_row.call1(&JsValue::UNDEFINED, &(row as f64).into()).unwrap_or_else(|error| {
                    **own = Some(error);
                    JsValue::UNDEFINED
                });
                let is_whole = |array: &Int8Array| array.length() as usize == room.len();
                returned.dyn_into().ok().filter(is_whole).ok_or_else(|| {
                    invalid(format!("the function did not return the {} fine components of row {row}", room.len()))
                })?
            }
        };
        found.copy_to(room);
        Ok(true)
    }
}

impl Sweep {
    fn scan(
        &mut self,
        scales: &Float32Array,
        coarse: &Int8Array,
        mut fine: Fine<'_>,
        first: u32,
        allowed: Option<&[u8]>,
    ) -> error::Result<()> {
        let (dimensions, count) = (self.dimensions, scales.length() as usize);
        let all = if let Fine::All(all) = &fine { Some(*all) } else { None };
        check_lengths(dimensions, count, coarse, all)?;
        let scales = filled(&mut self.scales, count, |room| scales.copy_to(room))?;
        let coarse = filled(&mut self.coarse, count * dimensions, |room| coarse.copy_to(room))?;
        let block = Block::new(dimensions, scales, coarse, None)?;
        self.sweep.block_with(&block, first, allowed, |at, room| fine.read(first, at, room))
    }
}

/// Checks the lengths of the arrays of `count` rows.
fn check_lengths(dimensions: usize, count: usize, coarse: &Int8Array, fine: Option<&Int8Array>) -> error::Result<()> {
    let want = count.checked_mul(dimensions);
    for (name, array) in [("coarse", Some(coarse)), ("fine", fine)] {
        let Some(got) = array.map(|array| array.length() as usize) else { continue };
        if want != Some(got) {
            return Err(invalid(format!(
                "{count} rows of {dimensions} dimensions do not have {got} {name} components"
            )));
        }
    }
    Ok(())
}

/// Makes `room` hold `length` values that `fill` writes.
fn filled<T: Copy + Default>(room: &mut Vec<T>, length: usize, fill: impl FnOnce(&mut [T])) -> error::Result<&[T]> {
    room.clear();
    room.try_reserve_exact(length)?;
    room.resize(length, T::default());
    fill(room);
    Ok(room)
}
