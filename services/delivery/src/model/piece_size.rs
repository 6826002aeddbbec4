//! How large one piece is.

use serde::{Deserialize, Serialize};

/// A piece in millimetres; how it lies does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PieceSize {
    pub length_mm: i32,
    pub width_mm: i32,
    pub height_mm: i32,
}

impl PieceSize {
    /// Whether it fits, turned any way along the edges.
    pub fn fits(self, into: Self) -> bool {
        self.sorted().into_iter().zip(into.sorted()).all(|(own, room)| own <= room)
    }

    fn sorted(self) -> [i32; 3] {
        let mut edges = [self.length_mm, self.width_mm, self.height_mm];
        edges.sort_unstable();
        edges
    }
}
