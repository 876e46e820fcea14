// matrix_block.glsl's products by cooperative matrices: halves in, COOPMAT x COOPMAT x COOPMAT (8 or 16) at a time, sums
// in float.
//
// A subgroup of SUBGROUP invocations owns SUBGROUP_ROWS rows and SUBGROUP_COLUMNS columns (multiples of 16 and 32) of the
// block. Rows and columns lie in shared memory as they came, STEP_QUADS texels each and two of padding, so that loads of
// eight of them meet no bank twice. To be stored, sums go through shared memory once more: where an invocation finds a
// lane of a cooperative matrix is the device's secret.
#ifndef SAC_MATRIX_COOPMAT_GLSL
#define SAC_MATRIX_COOPMAT_GLSL

#ifdef COOPMAT_KHR
#define MATRIX_ROWS coopmat<float16_t, gl_ScopeSubgroup, COOPMAT, COOPMAT, gl_MatrixUseA>
#define MATRIX_COLUMNS coopmat<float16_t, gl_ScopeSubgroup, COOPMAT, COOPMAT, gl_MatrixUseB>
#define MATRIX_SUMS coopmat<float, gl_ScopeSubgroup, COOPMAT, COOPMAT, gl_MatrixUseAccumulator>
#define MATRIX_LOAD_ROWS(m, from, at, stride) coopMatLoad(m, from, at, stride, gl_CooperativeMatrixLayoutRowMajor)
#define MATRIX_LOAD_COLUMNS(m, from, at, stride) coopMatLoad(m, from, at, stride, gl_CooperativeMatrixLayoutColumnMajor)
#define MATRIX_STORE(m, to, at, stride) coopMatStore(m, to, at, stride, gl_CooperativeMatrixLayoutRowMajor)
#define MATRIX_MULTIPLY_ADD coopMatMulAdd
#else
#define MATRIX_ROWS fcoopmatNV<16, gl_ScopeSubgroup, COOPMAT, COOPMAT>
#define MATRIX_COLUMNS fcoopmatNV<16, gl_ScopeSubgroup, COOPMAT, COOPMAT>
#define MATRIX_SUMS fcoopmatNV<32, gl_ScopeSubgroup, COOPMAT, COOPMAT>
#define MATRIX_LOAD_ROWS(m, from, at, stride) coopMatLoadNV(m, from, at, stride, false)
#define MATRIX_LOAD_COLUMNS(m, from, at, stride) coopMatLoadNV(m, from, at, stride, true)
#define MATRIX_STORE(m, to, at, stride) coopMatStoreNV(m, to, at, stride, false)
#define MATRIX_MULTIPLY_ADD coopMatMulAddNV
#endif

#define SUBGROUPS (BLOCK_ROWS / SUBGROUP_ROWS * (BLOCK_COLUMNS / SUBGROUP_COLUMNS))
#define BLOCK_INVOCATIONS (SUBGROUP * SUBGROUPS)
#define SUBGROUP_FIRST_ROW (gl_SubgroupID % uint(BLOCK_ROWS / SUBGROUP_ROWS) * uint(SUBGROUP_ROWS))
#define SUBGROUP_FIRST_POSITION (gl_SubgroupID / uint(BLOCK_ROWS / SUBGROUP_ROWS) * uint(SUBGROUP_COLUMNS))

#define SHARED_WORD(word) (word)
#define LINE (STEP_QUADS + 2)  // words of a row or column
#define ROW_PLACE(row, quad) ((row) * uint(LINE) + (quad))
#define WEIGHT_PLACE(position, quad) ((position) * uint(LINE) + (quad))
#define ROWS_SIZE (BLOCK_ROWS * LINE)
#define WEIGHTS_SIZE (BLOCK_COLUMNS * LINE)
shared uvec2 block_rows[2 * ROWS_SIZE];
shared uvec2 block_weights[2 * WEIGHTS_SIZE];

// Four columns of a lane are eight positions from each other: a subgroup's stage holds the rows of a
// cooperative matrix, of 32 positions.
#define STAGE_LINE 40
#define STAGE_SIZE (COOPMAT * STAGE_LINE)
shared float stage[SUBGROUPS * STAGE_SIZE];

MATRIX_SUMS acc[SUBGROUP_ROWS / COOPMAT][SUBGROUP_COLUMNS / COOPMAT];

void block_begin() {
    [[unroll]] for (int i = 0; i < SUBGROUP_ROWS / COOPMAT; ++i) {
        [[unroll]] for (int j = 0; j < SUBGROUP_COLUMNS / COOPMAT; ++j) acc[i][j] = MATRIX_SUMS(0.0);
    }
}

void block_step(uint rows, uint columns) {
    [[unroll]] for (int quad = 0; quad < STEP_QUADS; quad += COOPMAT / 4) {
        MATRIX_ROWS a[SUBGROUP_ROWS / COOPMAT];
        [[unroll]] for (int i = 0; i < SUBGROUP_ROWS / COOPMAT; ++i) {
            const uint at = rows + ROW_PLACE(SUBGROUP_FIRST_ROW + uint(COOPMAT * i), uint(quad));
            MATRIX_LOAD_ROWS(a[i], block_rows, at, LINE);
        }
        [[unroll]] for (int j = 0; j < SUBGROUP_COLUMNS / COOPMAT; ++j) {
            const uint at = columns + WEIGHT_PLACE(SUBGROUP_FIRST_POSITION + uint(COOPMAT * j), uint(quad));
            MATRIX_COLUMNS b;
            MATRIX_LOAD_COLUMNS(b, block_weights, at, LINE);
            [[unroll]] for (int i = 0; i < SUBGROUP_ROWS / COOPMAT; ++i) {
                acc[i][j] = MATRIX_MULTIPLY_ADD(a[i], b, acc[i][j]);
            }
        }
    }
}

void block_store() {
    const uint own = gl_SubgroupID * uint(STAGE_SIZE), lane = gl_SubgroupInvocationID & 7u;
    [[unroll]] for (int j = 0; j < SUBGROUP_COLUMNS / COOPMAT; j += 32 / COOPMAT) {
        const uint column = (SUBGROUP_FIRST_POSITION + uint(COOPMAT * j)) / 8u;  // of a lane
        const uint quad = OUTPUT_QUAD(lane, column);
        const vec4 bias = LOAD4(weights, PANEL_BEGIN + LANE_QUAD(lane, column));
        [[unroll]] for (int i = 0; i < SUBGROUP_ROWS / COOPMAT; ++i) {
            [[unroll]] for (int part = 0; part < 32 / COOPMAT; ++part) {
                MATRIX_STORE(acc[i][j + part], stage, own + uint(COOPMAT * part), STAGE_LINE);
            }
            barrier();
            [[unroll]] for (uint in_stage = 0u; in_stage < uint(COOPMAT); in_stage += uint(SUBGROUP / 8)) {
                const uint stage_row = in_stage + gl_SubgroupInvocationID / 8u;
                const uint at = own + stage_row * uint(STAGE_LINE) + lane;
                const uint row = tile_row * uint(BLOCK_ROWS) + SUBGROUP_FIRST_ROW + uint(COOPMAT * i) + stage_row;
                STORE_SUM(bias + vec4(stage[at], stage[at + 8u], stage[at + 16u], stage[at + 24u]), row, quad)
            }
            barrier();
        }
    }
}

#endif
