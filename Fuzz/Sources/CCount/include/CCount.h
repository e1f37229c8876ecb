#ifndef CCOUNT_H
#define CCOUNT_H

/// How often this thread has asked for memory since the program began.
unsigned long allocationsOfThisThread(void);

#endif
