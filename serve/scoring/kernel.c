/* Log-odds of one row by oblivious trees: the arithmetic of fraud_core/scoring/row_scorer.py, to the bit.
 *
 * Sums are made in the order of NumPy's pairwise sum, and without fused multiply-add, so that not one bit differs.
 * serve/scoring/compiled_scorer.py compiles this where there is a C compiler, and compares the two before it is used.
 */

#define BLOCK 128 /* NumPy's: longer sums are halved at a multiple of eight */

struct trees {
    const int *feature;       /* (n_trees, depth), column that a level asks about */
    const float *border;      /* (n_trees, depth), a bit is set when the value is larger */
    const double *leaf_value; /* (n_trees, 2 ** depth), log-odds */
    double bias;
    long n_trees, depth, n_features;
    const double *row;        /* (n_features,), what is scored */
    float *seen;              /* (n_features,), the row as the trees see it */
    double *chosen;           /* (n_trees,), log-odds of the leaves that the row falls into */
};

static double pairwise_sum(const double *values, long n)
{
    if (n < 8) {
        double sum = -0.0;
        for (long i = 0; i < n; i++) sum += values[i];
        return sum;
    }
    if (n <= BLOCK) {
        double part[8];
        long i;
        for (int k = 0; k < 8; k++) part[k] = values[k];
        for (i = 8; i < n - n % 8; i += 8)
            for (int k = 0; k < 8; k++) part[k] += values[i + k];
        double sum = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
        for (; i < n; i++) sum += values[i];
        return sum;
    }
    long half = n / 2;
    half -= half % 8;
    return pairwise_sum(values, half) + pairwise_sum(values + half, n - half);
}

double log_odds(const struct trees *t)
{
    const int *feature = t->feature;
    const float *border = t->border;
    for (long k = 0; k < t->n_features; k++) t->seen[k] = (float)t->row[k];
    for (long tree = 0; tree < t->n_trees; tree++) {
        long leaf = tree << t->depth;
        for (long level = 0; level < t->depth; level++, feature++, border++)
            leaf |= (long)(t->seen[*feature] > *border) << level;
        t->chosen[tree] = t->leaf_value[leaf];
    }
    return t->bias + pairwise_sum(t->chosen, t->n_trees);
}
