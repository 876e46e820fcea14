// What all forms of the matrix core share: the packed weights, which tile a workgroup takes, and how it ends.
//
// Weights are packed in panels of 8 TILE_COLUMNS columns, `panel_size` texels each: first the bias of the columns
// (2 TILE_COLUMNS texels), then for every four k, for each c < TILE_COLUMNS, for each lane < 8, one texel: the four
// weights of column panel * 8 TILE_COLUMNS + lane * TILE_COLUMNS + c. Columns and k that do not exist are zero.
#ifndef SAC_MATRIX_PANEL_GLSL
#define SAC_MATRIX_PANEL_GLSL

#include "epilogue.glsl"

// Which tile the workgroup takes. Neighbours go on along the rows, so that the panel stays in the cache; or, with few
// weights, along the panels, so that the rows do (`panels_inner`). 16 -> 96 channels at 112 x 112 on llvmpipe,
// two cores: 1.9 against 1.3 ms.
uint tile_row, tile_panel;

void tile_place() {
    const uvec2 place = divide(GROUP_X, pc.tiles_inner);
    tile_row = pc.panels_inner != 0u ? place.x : place.y;
    tile_panel = pc.panels_inner != 0u ? place.y : place.x;
}

// Where the weights and the results of the product begin: several of one shape may lie one after another.
#ifndef TILE_WEIGHTS
#define TILE_WEIGHTS 0u
#define TILE_DST 0u
#endif

#define PANEL_BEGIN (TILE_WEIGHTS + tile_panel * pc.panel_size)
#define PANEL_BIAS (2 * TILE_COLUMNS)  // texels
// The texel of a panel's bias that has the columns `c` to c + 3 of a lane, and the quad of output channels they are.
#define LANE_QUAD(lane, c) ((lane) * (uint(TILE_COLUMNS) / 4u) + uint(c) / 4u)
#define OUTPUT_QUAD(lane, c) (tile_panel * (2u * uint(TILE_COLUMNS)) + LANE_QUAD(lane, c))

// Stores four columns of a row, if they exist.
#define STORE_SUM(sum, row, quad) \
    { \
        const bvec4 exists = lanes_below(quad, pc.out_channels); \
        if (exists.x && row < pc.rows) { \
            STORE4(dst, TILE_DST + row * pc.dst_stride + pc.dst_offset + quad, \
                   mix(vec4(0.0), EPILOGUE(sum, row, quad), exists)); \
        } \
    }

#endif
