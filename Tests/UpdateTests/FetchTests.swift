import Testing

@testable import Update

@Suite struct FetchTests {
    @Test(arguments: [
        "", "vebridge.update", "/srv/vebridge.update", "ftp://host/file", "https://", "https://host", "https://host/",
        "https://host/a b", "https://host/a\nb", "https://me:secret@host/file", "https://host/file?x=1",
        "https://host/{a,b}", "file://host/file", "file:///", "https://höst/file", "-o/etc/passwd",
    ])
    func refusesAddresses(_ text: String) {
        #expect(throws: UpdateFault.self) { try UpdateAddress(parsing: text) }
    }

    @Test func aSiblingStandsInTheSamePlace() throws {
        let address = try UpdateAddress(parsing: "https://host:8443/a/b.update")
        #expect(address.sibling("c").description == "https://host:8443/a/c")
        #expect(try UpdateAddress(parsing: "file:///b.update").sibling("c").path == "/c")
    }

    /// An offer and its program in a folder, as `publish` writes them.
    private func published(_ folder: Folder, _ program: [UInt8]) throws -> (UpdateSigningKey, UpdateFetch) {
        try folder.write("program", program)
        let manifest = try Rig.manifest("0.2.0", program)
        let key = try UpdateSigningKey()
        let offer = try SignedManifest(manifest, by: key).publish(folder.place("program"), manifest, into: folder.path)
        return (key, UpdateFetch(try UpdateAddress(parsing: "file://\(offer)")))
    }

    @Test func aFileIsFetchedAsItIs() throws {
        let folder = try Folder()
        let program = Rig.bytes("0.2.0")
        let (key, fetch) = try published(folder, program)
        let manifest = try fetch.offer().manifest(signedBy: key.publicKey)
        try fetch.program(of: manifest, to: folder.place("fetched"))
        #expect(try folder.read("fetched") == program)
        #expect(try fetch.check(key.publicKey) == manifest)
    }

    @Test func aProgramThatIsLongerOrAnotherIsRefused() throws {
        let folder = try Folder()
        let (key, fetch) = try published(folder, Rig.bytes("0.2.0"))
        let manifest = try fetch.offer().manifest(signedBy: key.publicKey)
        try folder.write(manifest.programName, Rig.bytes("0.2.0") + [0])
        #expect(throws: UpdateFault.self) { try fetch.check(key.publicKey) }
        #expect(throws: UpdateFault.self) { try fetch.program(of: manifest, to: folder.place("fetched")) }
        var other = Rig.bytes("0.2.0")
        other[40] ^= 1
        try folder.write(manifest.programName, other)
        #expect(throws: UpdateFault.self) { try fetch.check(key.publicKey) }
    }

    @Test func givingUpEndsAFetch() throws {
        let folder = try Folder()
        let (_, fetch) = try published(folder, Rig.bytes("0.2.0"))
        _ = try fetch.offer()
        let offer = folder.place("vebridge-x86_64.update")
        let cancelled = UpdateFetch(try UpdateAddress(parsing: "file://\(offer)")) { true }
        #expect(throws: UpdateFault.self) { try cancelled.offer() }
    }
}

@Suite struct ProgramRunTests {
    @Test func handsOnWhatIsPrintedAndKeepsTheLastComplaint() throws {
        var said: [UInt8] = []
        let run = ProgramRun(
            words: ["sh", "-c", "echo one; echo two >&2; echo three >&2; exit 7"], patience: .seconds(20))
        let ending = try run.run { said += $0 }
        #expect(String(decoding: said, as: UTF8.self) == "one\n")
        #expect(ending.status == 7)
        #expect(ending.complaint == "three")
    }

    @Test func whatIsNotThereIsSaid() {
        #expect(throws: UpdateFault("cannot run /nowhere/at/all: No such file or directory")) {
            try ProgramRun(words: ["/nowhere/at/all"], patience: .seconds(20)).run { _ in }
        }
    }

    @Test func whatTakesTooLongOrSaysTooMuchIsEnded() {
        #expect(throws: UpdateFault.self) {
            try ProgramRun(words: ["sleep", "1000"], patience: .milliseconds(1)).run { _ in }
        }
        #expect(throws: UpdateFault("enough")) {
            try ProgramRun(words: ["yes"], patience: .seconds(60)).run { _ throws(UpdateFault) in
                throw UpdateFault("enough")
            }
        }
        #expect(throws: UpdateFault.self) {
            try ProgramRun(words: ["sleep", "1000"], patience: .seconds(900), isCancelled: { true }).run { _ in }
        }
    }
}
