import Glibc

/// What is signed of an update: which version it is, for which machines, and which bytes.
///
/// Five lines, in this order:
///
///     vebridge-update 1
///     version 0.2.0
///     architecture x86_64
///     size 41943040
///     sha256 9f86d081…
public struct UpdateManifest: Sendable, Equatable {
    /// The version of the program.
    public let version: SoftwareVersion
    /// What the kernel calls the machine: `x86_64`, `aarch64`.
    public let architecture: String
    /// Bytes of the program, at most ``maximumSize``.
    public let size: Int
    /// SHA-256 of the program.
    public let digest: [UInt8]

    /// No program is larger.
    public static let maximumSize = 200_000_000
    /// No manifest is longer.
    static let maximumLength = 512

    /// A manifest of these parts.
    public init(version: SoftwareVersion, architecture: String, size: Int, digest: [UInt8]) {
        self.version = version
        self.architecture = architecture
        self.size = size
        self.digest = digest
    }

    /// The manifest of a program in a file; its machine is read from its ELF header.
    public init(program path: String, version: SoftwareVersion) throws(UpdateFault) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file("read", path) }
        defer { close(descriptor) }
        var header = [UInt8](repeating: 0, count: 20)
        guard pread(descriptor, &header, 20, 0) == 20, header.prefix(4) == [0x7F, 0x45, 0x4C, 0x46] else {
            throw UpdateFault("\(path) is no program (it has no ELF header)")
        }
        let machine = UInt16(header[18]) | UInt16(header[19]) << 8
        guard let architecture = Self.architectures[machine] else {
            throw UpdateFault("\(path) is for a machine of kind \(machine); vebridge runs on x86_64 and aarch64")
        }
        let (size, digest) = try Self.measure(descriptor, path)
        self.init(version: version, architecture: architecture, size: size, digest: digest)
    }

    // ELF's e_machine.
    private static let architectures: [UInt16: String] = [0x3E: "x86_64", 0xB7: "aarch64"]

    /// Reads the lines; nothing may be missing, doubled or left over.
    public init(text: String) throws(UpdateFault) {
        guard text.utf8.count <= Self.maximumLength else { throw UpdateFault("the manifest is too long") }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let names = ["vebridge-update", "version", "architecture", "size", "sha256"]
        guard lines.count == names.count + 1, lines.last == "" else {
            throw UpdateFault("the manifest has not the five lines of one")
        }
        var values: [Substring] = []
        for (line, name) in zip(lines, names) {
            guard line.hasPrefix(name + " ") else {
                throw UpdateFault("the manifest has no line '\(name) …' in its place")
            }
            values.append(line.dropFirst(name.utf8.count + 1))
        }
        guard values[0] == "1" else { throw UpdateFault("the manifest is of another kind than this version knows") }
        guard let version = SoftwareVersion(String(values[1])) else {
            throw UpdateFault("the manifest's version is none")
        }
        let isName = values[2].utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
        }
        guard isName, (1...20).contains(values[2].utf8.count) else {
            throw UpdateFault("the manifest's architecture is none")
        }
        guard let size = Int(values[3]), String(size) == values[3], (1...Self.maximumSize).contains(size) else {
            throw UpdateFault("the manifest's size is not 1 to \(Self.maximumSize) bytes")
        }
        guard let digest = Hexadecimal.bytes(values[4], count: 32) else {
            throw UpdateFault("the manifest's sha256 is not 64 digits")
        }
        self.init(version: version, architecture: String(values[2]), size: size, digest: digest)
        // One manifest has one spelling.
        guard self.text == text else { throw UpdateFault("the manifest is not written as it should be") }
    }

    /// The lines.
    public var text: String {
        """
        vebridge-update 1
        version \(version)
        architecture \(architecture)
        size \(size)
        sha256 \(Hexadecimal.text(digest))

        """
    }

    /// What the program is called where it is offered.
    public var programName: String { "vebridge-\(version)-\(architecture)" }

    /// The kernel's name of this machine.
    public static var thisArchitecture: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &names.machine) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// Checks that a file holds the program of this manifest, to the last byte.
    public func check(_ descriptor: Int32, _ path: String) throws(UpdateFault) {
        let (size, digest) = try Self.measure(descriptor, path)
        try check(size: size, digest: digest)
    }

    func check(size: Int, digest: [UInt8]) throws(UpdateFault) {
        guard size == self.size else {
            throw UpdateFault("the program has \(size) bytes, and the manifest says \(self.size)")
        }
        guard digest == self.digest else { throw UpdateFault("the program is not the one that was signed") }
    }

    private static func measure(_ descriptor: Int32, _ path: String) throws(UpdateFault) -> (Int, [UInt8]) {
        let digest = try ProgramDigest()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var size = 0
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(size))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .file("read", path) }
            guard count > 0 else { break }
            buffer.withUnsafeBytes { digest.add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            size += count
            guard size <= maximumSize else { throw UpdateFault("\(path) is larger than \(maximumSize) bytes") }
        }
        return (size, digest.value())
    }
}

/// A manifest with its signature, as it travels.
public struct SignedManifest: Sendable, Equatable {
    /// The lines of the manifest, as they were signed.
    public let text: String
    /// 64 bytes.
    public let signature: [UInt8]

    /// No offer is longer.
    static let maximumOfferLength = 1024
    private static let signatureName = "signature "

    /// As it is offered: the lines of the manifest, and behind them one that begins with `signature`.
    public init(offer: String) throws(UpdateFault) {
        guard offer.utf8.count <= Self.maximumOfferLength, offer.hasSuffix("\n"),
            let start = offer.dropLast().lastIndex(of: "\n").map({ offer.index(after: $0) }),
            offer[start...].hasPrefix(Self.signatureName)
        else {
            throw UpdateFault("this is no offer of an update: 'vebridge update sign' writes one")
        }
        let signature = offer[start...].dropFirst(Self.signatureName.utf8.count).dropLast()
        try self.init(text: String(offer[..<start]), signature: String(signature))
    }

    /// As it is offered.
    public var offerText: String { text + Self.signatureName + signatureText + "\n" }

    /// Signs a manifest.
    public init(_ manifest: UpdateManifest, by key: UpdateSigningKey) throws(UpdateFault) {
        text = manifest.text
        signature = try key.signature(of: Array(text.utf8))
    }

    /// Writes the offer and the program that stands beside it into a folder.
    ///
    /// - Returns: the path of the offer.
    public func publish(
        _ program: String, _ manifest: UpdateManifest, into folder: String
    ) throws(UpdateFault) -> String {
        let bytes = try readWhole(program, limit: manifest.size)
        let place = DurableFolder(path: folder)
        // The program first: an offer without one is of no use.
        try place.write(manifest.programName, bytes, mode: 0o755)
        let offer = "vebridge-\(manifest.architecture).update"
        try place.write(offer, Array(offerText.utf8))
        return place.place(offer)
    }

    /// As it came: the lines, and 128 digits.
    public init(text: String, signature: String) throws(UpdateFault) {
        guard text.utf8.count <= UpdateManifest.maximumLength else { throw UpdateFault("the manifest is too long") }
        guard let bytes = Hexadecimal.bytes(signature, count: 64) else {
            throw UpdateFault("the signature is not 128 digits")
        }
        self.text = text
        self.signature = bytes
    }

    /// The signature's 128 digits.
    public var signatureText: String { Hexadecimal.text(signature) }

    /// What was signed. Nothing of it is read before the signature is known to be right.
    public func manifest(signedBy key: UpdateKey) throws(UpdateFault) -> UpdateManifest {
        guard key.verifies(Array(text.utf8), signature: signature) else {
            throw UpdateFault("the signature is not that of the key in the configuration")
        }
        return try UpdateManifest(text: text)
    }
}
