import Testing

@testable import Update

@Suite struct SigningTests {
    private func manifest(_ version: String = "0.2.0", size: Int = 12) throws -> UpdateManifest {
        UpdateManifest(
            version: try #require(SoftwareVersion(version)), architecture: "x86_64", size: size,
            digest: [UInt8](repeating: 0xA5, count: 32))
    }

    /// The third of the test vectors in section 7.1 of RFC 8032.
    @Test func verifiesAsTheStandardHasIt() throws {
        let key = try #require(UpdateKey("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"))
        let signature = try #require(
            Hexadecimal.bytes(
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                    + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a", count: 64))
        #expect(key.verifies([0xAF, 0x82], signature: signature))
        #expect(!key.verifies([0xAF, 0x83], signature: signature))
        #expect(!key.verifies([], signature: signature))
    }

    @Test func anOfferIsReadAsItWasSigned() throws {
        let key = try UpdateSigningKey()
        let signed = try SignedManifest(try manifest(), by: key)
        let read = try SignedManifest(offer: signed.offerText)
        #expect(read == signed)
        #expect(try read.manifest(signedBy: key.publicKey) == manifest())
        let stranger = try UpdateSigningKey()
        #expect(throws: UpdateFault.self) { try read.manifest(signedBy: stranger.publicKey) }
    }

    /// No bit of an offer may change.
    @Test func everyFlippedBitIsRefused() throws {
        let key = try UpdateSigningKey()
        let offer = Array(try SignedManifest(try manifest(), by: key).offerText.utf8)
        for index in offer.indices {
            for bit in 0..<8 {
                var damaged = offer
                damaged[index] ^= 1 << bit
                // Digits of either case are the same digits.
                let isSame =
                    String(decoding: damaged, as: UTF8.self).lowercased() == String(decoding: offer, as: UTF8.self)
                    && index >= offer.count - 129
                guard !isSame else { continue }
                #expect(throws: UpdateFault.self, "byte \(index), bit \(bit)") {
                    try SignedManifest(offer: String(decoding: damaged, as: UTF8.self))
                        .manifest(signedBy: key.publicKey)
                }
            }
        }
    }

    @Test func everyShorterOfferIsRefused() throws {
        let key = try UpdateSigningKey()
        let offer = try SignedManifest(try manifest(), by: key).offerText
        for length in 0..<offer.utf8.count {
            #expect(throws: UpdateFault.self) {
                try SignedManifest(offer: String(offer.prefix(length))).manifest(signedBy: key.publicKey)
            }
        }
        #expect(throws: UpdateFault.self) {
            try SignedManifest(offer: offer + offer).manifest(signedBy: key.publicKey)
        }
    }

    @Test(arguments: [
        "vebridge-update 2\nversion 0.2.0\narchitecture x86_64\nsize 12\nsha256 D\n",
        "vebridge-update 1\nversion 0.2\u{301}\narchitecture x86_64\nsize 12\nsha256 D\n",
        "vebridge-update 1\nversion 0.2.0\narchitecture ../x\nsize 12\nsha256 D\n",
        "vebridge-update 1\nversion 0.2.0\narchitecture x86_64\nsize 012\nsha256 D\n",
        "vebridge-update 1\nversion 0.2.0\narchitecture x86_64\nsize -1\nsha256 D\n",
        "vebridge-update 1\nversion 0.2.0\narchitecture x86_64\nsize 900000000\nsha256 D\n",
        "vebridge-update 1\nversion 0.2.0\narchitecture x86_64\nsize 12\nsha256 12\n",
        "vebridge-update 1\nversion 0.2.0\nversion 0.3.0\nsize 12\nsha256 D\n",
        "vebridge-update 1\nversion 0.2.0\narchitecture x86_64\nsize 12\nsha256 D\nmore 1\n",
    ])
    func refusesOtherManifests(_ text: String) {
        let digest = String(repeating: "a5", count: 32)
        #expect(throws: UpdateFault.self) {
            try UpdateManifest(text: text.replacing("D\n", with: digest + "\n"))
        }
    }

    @Test func aKeyIsWrittenOnceAndReadAgain() throws {
        let folder = try Folder()
        let key = try UpdateSigningKey()
        try key.write(to: folder.place("key"))
        #expect(try UpdateSigningKey(file: folder.place("key")).publicKey == key.publicKey)
        #expect(throws: UpdateFault.self) { try UpdateSigningKey().write(to: folder.place("key")) }
        #expect(try UpdateSigningKey(file: folder.place("key")).publicKey == key.publicKey)
        try folder.write("no key", Array("hello".utf8))
        #expect(throws: UpdateFault.self) { try UpdateSigningKey(file: folder.place("no key")) }
    }
}
