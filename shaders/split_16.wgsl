const ROWS: u32 = 16u; // of the output a workgroup
