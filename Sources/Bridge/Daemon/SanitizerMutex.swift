#if THREAD_SANITIZER
    import Glibc

    /// Stands in for the standard library's Mutex, by name, in builds for the thread sanitizer: it does not see the
    /// standard one, which is made of futex calls alone, and would report every access under it. `make soak` builds so.
    struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
        // Sendable: `value` is only reached while `lock` is held, and both live at one address until deinit.
        private let lock: UnsafeMutablePointer<pthread_mutex_t>
        private let value: UnsafeMutablePointer<Value>

        init(_ value: consuming sending Value) {
            lock = .allocate(capacity: 1)
            lock.initialize(to: pthread_mutex_t())
            pthread_mutex_init(lock, nil)
            self.value = .allocate(capacity: 1)
            self.value.initialize(to: value)
        }

        deinit {
            pthread_mutex_destroy(lock)
            lock.deallocate()
            value.deinitialize(count: 1)
            value.deallocate()
        }

        borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            pthread_mutex_lock(lock)
            defer { pthread_mutex_unlock(lock) }
            return try body(&value.pointee)
        }
    }
#endif
