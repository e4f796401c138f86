const ROWS: u32 = 32u; // of the output a workgroup
