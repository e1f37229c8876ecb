import Glibc

/// Why a file cannot be read.
public struct FileReadError: Error, Sendable, Equatable {
    /// Ends a sentence that begins with the file: `does not exist`.
    public var reason: String

    /// Makes an error from the end of the sentence.
    public init(reason: String) {
        self.reason = reason
    }

    init(code: Int32) {
        switch code {
        case ENOENT: reason = "does not exist"
        case EACCES, EPERM: reason = "may not be read by this user (permission denied)"
        case EISDIR: reason = "is a directory"
        case ENOTDIR: reason = "does not exist (a part of its path is not a directory)"
        default: reason = "cannot be read (\(String(cString: strerror(code))))"
        }
    }
}

extension Configuration {
    /// Reads the configuration from a file.
    ///
    /// - Parameters:
    ///   - file: the path, as messages will name it.
    ///   - environment: the variables that `password_env` may name; by default those of the process.
    ///   - missingVariable: gives what to take for a variable that is not set; nil: that is a fault.
    ///   - readSecret: gives the bytes of the file that `password_file` names.
    /// - Throws: everything that is wrong, with lines; one diagnostic without a line if the file cannot be read.
    public static func load(
        file: String, environment: [String: String]? = nil, missingVariable: (_ name: String) -> String? = { _ in nil },
        readSecret: (_ path: String) throws(FileReadError) -> [UInt8] = Configuration.readSecretFile
    ) throws(ConfigurationError) -> Configuration {
        let text = try readText(file)
        var configuration = try parse(
            text: text, file: file, environment: environment ?? processEnvironment(),
            missingVariable: missingVariable, readSecret: readSecret)
        configuration.file = fullPath(file)
        return configuration
    }

    /// Reads from a file what it says of updates and of the state directory, and nothing else: the rest of it may be
    /// wrong, and no secret is looked for.
    ///
    /// - Throws: what is wrong with these options, or that the file cannot be read.
    public static func loadUpdates(file: String) throws(ConfigurationError) -> Configuration {
        try parseUpdates(text: try readText(file), file: file)
    }

    private static func readText(_ file: String) throws(ConfigurationError) -> String {
        let bytes: [UInt8]
        do {
            bytes = try readFile(file, limit: maximumFileSize)
        } catch {
            let hint = error == FileReadError(code: ENOENT) ? "check the path of the configuration" : nil
            let message = "the file \(error.reason)"
            throw ConfigurationError([Diagnostic(file: file, line: nil, message: message, hint: hint)])
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let message = "there are bytes here that are not UTF-8"
            throw ConfigurationError([
                Diagnostic(file: file, line: firstInvalidLine(bytes), message: message, hint: "save the file as UTF-8")
            ])
        }
        return text
    }

    private static func fullPath(_ file: String) -> String {
        guard let path = realpath(file, nil) else { return file }
        defer { free(path) }
        return String(cString: path)
    }

    /// No configuration is larger; whatever is, has been named by mistake.
    static let maximumFileSize = 1 << 20

    private static func firstInvalidLine(_ bytes: [UInt8]) -> Int {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0) + 1
    }

    private static func processEnvironment() -> [String: String] {
        var result: [String: String] = [:]
        // Read once at the start, before there are threads that could change it.
        var entry = environ
        while let pointer = entry.pointee {
            let text = String(cString: pointer)
            if let equals = text.firstIndex(of: "=") {
                result[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            entry += 1
        }
        return result
    }

    /// The bytes of a file that holds a password: at most 64 KiB, no password is longer.
    public static func readSecretFile(_ path: String) throws(FileReadError) -> [UInt8] {
        try readFile(path, limit: 65_536)
    }

    /// How long a pipe may take until something comes, such as from `<(command)`.
    private static let pipeTimeout: Int32 = 5000

    /// The bytes of a file of at most `limit` bytes, or of a pipe that something writes to.
    static func readFile(_ path: String, limit: Int) throws(FileReadError) -> [UInt8] {
        // Not blocking: a FIFO named by mistake would never answer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileReadError(code: errno) }
        defer { close(descriptor) }
        var facts = stat()
        let isPipe = fstat(descriptor, &facts) == 0 && facts.st_mode & S_IFMT == S_IFIFO
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            // A pipe that no program has opened for writing reads like an empty file.
            if isPipe {
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                let ready = Glibc.poll(&entry, 1, pipeTimeout)
                if ready < 0, errno == EINTR { continue }
                guard ready > 0 else {
                    throw FileReadError(reason: "is a pipe that nothing was written to in \(pipeTimeout / 1000) s")
                }
            }
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw FileReadError(code: errno)
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit else {
                throw FileReadError(reason: "is larger than \(limit / 1024) KiB")
            }
        }
    }
}
