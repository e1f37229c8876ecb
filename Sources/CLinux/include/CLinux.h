// What the system's headers offer and Swift's Glibc module does not show.
#pragma once
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <glob.h>
#include <linux/serial.h>
#include <sys/file.h>
#include <sys/ioctl.h>

// Whether the kernel knows that the clock is kept in step with the time, by NTP or the like: 1 or 0. <sys/timex.h> stays
// out of this file: it would take timespec from Glibc's own module.
int vebridge_clock_is_synchronised(void);

// Makes `replaced` another name of `descriptor`, closed in programs that are started. Gives `replaced`, or -1 and errno.
int vebridge_replace_descriptor(int descriptor, int replaced);

// Asks the driver to hand on short reads at once (FTDI waits 16 ms otherwise). Drivers that can't are left alone.
static inline void vebridge_low_latency(int descriptor) {
    struct serial_struct settings;
    if (ioctl(descriptor, TIOCGSERIAL, &settings) != 0) return;
    settings.flags |= ASYNC_LOW_LATENCY;
    (void)ioctl(descriptor, TIOCSSERIAL, &settings);
}

// epoll's union of data is awkward from Swift: a number goes in and comes out.
static inline int vebridge_epoll_add(int poll, int descriptor, unsigned events, unsigned long long token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
}
static inline unsigned long long vebridge_epoll_token(struct epoll_event event) { return event.data.u64; }

// Takes lines of a GPIO chip as outputs, all low at first. Gives the descriptor that holds them, or -1 and errno.
// This is the kernel's own interface (Linux 5.10): libgpiod changed its API between Debian 12 and 13, this did not.
int vebridge_gpio_take(int chip, const unsigned *lines, unsigned count, const char *owner);

// Sets the lines that were taken, the first by the lowest bit, all at once where the chip can. 0, or -1 and errno.
int vebridge_gpio_set(int lines, unsigned long long bits, unsigned count);

// Whether a file has an access control list beyond its mode (acl(5)): 1 or 0.
int vebridge_has_access_list(const char *path);

// The CAN headers stay out of this one: what they include would be taken from Glibc's own module.

// A raw CAN socket on an interface, non-blocking: 29-bit data frames and the controller's error frames, nothing else.
// Gives the descriptor, or -1 with the step that failed (0 socket, 1 interface, 2 options, 3 bind) and errno. `is_up`
// tells whether the interface is up.
int vebridge_can_open(const char *name, int *step, int *is_up);

// Reads a frame: 1 for one, 0 for none now, -1 with errno. The data is in wire order, first byte lowest.
int vebridge_can_read(int descriptor, unsigned *id, unsigned long long *data, unsigned *count);

// Sends a frame: 0 if the kernel took it, else errno.
int vebridge_can_write(int descriptor, unsigned id, unsigned long long data, unsigned count);
