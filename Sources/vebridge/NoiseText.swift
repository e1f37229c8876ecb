import ArgumentParser
import Glibc
import Simulation

/// Noise as people write it on the command line.
enum NoiseText {
    /// A line for each kind.
    static let usage = Noise.Kind.allCases.map { "    " + $0.usage }.joined(separator: "\n")
    /// No script is longer.
    private static let maximumSize = 1_000_000

    /// The noise that the two options give; nil for neither.
    static func script(noise: String?, file: String?) throws -> NoiseScript? {
        guard noise == nil || file == nil else { throw ValidationError("--noise or --noise-script, not both") }
        if let noise {
            do { return NoiseScript(try Noise(noise)) } catch { throw ValidationError("--noise: \(error)") }
        }
        guard let file else { return nil }
        do {
            return try NoiseScript(script: try read(file))
        } catch let error as NoiseScriptError {
            throw ValidationError("--noise-script: \(file), \(error)")
        }
    }

    private static func read(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ValidationError("--noise-script: cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count >= 0 else {
                throw ValidationError("--noise-script: cannot read \(path): \(String(cString: strerror(errno)))")
            }
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
            guard bytes.count <= maximumSize else {
                throw ValidationError("--noise-script: \(path) is longer than \(maximumSize) bytes")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
