/* gauss.h - the inverse of a small matrix by Gauss-Jordan elimination, for tests that redo linear algebra the slow way. */
#ifndef TESTS_GAUSS_H
#define TESTS_GAUSS_H

#include <math.h>
#include <string.h>

enum { GAUSS_MAX = 64 };

/* Inverts A (m, m) into inv; returns det A. */
static inline double gauss_inverse(const double *A, int m, double *inv) {
    static double M[GAUSS_MAX][2 * GAUSS_MAX];
    double det = 1;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) M[i][j] = A[i * m + j], M[i][m + j] = i == j;
    for (int k = 0; k < m; k++) {
        int pivot = k;
        for (int i = k + 1; i < m; i++)
            if (fabs(M[i][k]) > fabs(M[pivot][k])) pivot = i;
        if (pivot != k) {
            double row[2 * GAUSS_MAX];
            memcpy(row, M[k], sizeof row), memcpy(M[k], M[pivot], sizeof row), memcpy(M[pivot], row, sizeof row);
            det = -det;
        }
        double x = M[k][k];
        det *= x;
        for (int j = 0; j < 2 * m; j++) M[k][j] /= x;
        for (int i = 0; i < m; i++) {
            double factor = M[i][k];
            for (int j = 0; j < 2 * m && i != k; j++) M[i][j] -= factor * M[k][j];
        }
    }
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) inv[i * m + j] = M[i][m + j];
    return det;
}

/* x' M y */
static inline double gauss_form(const double *M, const double *x, const double *y, int m) {
    double sum = 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) sum += x[i] * M[i * m + j] * y[j];
    return sum;
}

#endif
