import Testing

@testable import Update

@Suite struct VersionTests {
    @Test func ordersNumberByNumber() throws {
        let texts = ["0.9", "0.9.1", "0.10", "1.0", "1.0.0.1", "1.2", "10.0"]
        let versions = try texts.map { try #require(SoftwareVersion($0)) }
        for (index, version) in versions.enumerated() {
            for (other, second) in versions.enumerated() { #expect((version < second) == (index < other)) }
        }
        #expect(SoftwareVersion("1.0") == SoftwareVersion("1.0.0"))
    }

    @Test(arguments: [
        "", "1", "1.", ".1", "1.2.3.4.5", "01.2", "1.02", "1.-2", "1.2a", " 1.2", "1.2\n", "1.9999999999",
    ])
    func refuses(_ text: String) { #expect(SoftwareVersion(text) == nil) }

    @Test func isReadFromAProgramsFile() throws {
        let folder = try Folder()
        // The beginning alone is in every program that looks for it.
        let noise = Array("\u{7F}ELF vebridge-version \0 v vebridge-version x\n vebridge-version ".utf8)
        try folder.write("program", noise + Array("0.12.3\n".utf8) + [UInt8](repeating: 7, count: 1000))
        #expect(try VersionMark.version(inProgram: folder.place("program")).description == "0.12.3")
        try folder.write("other", noise)
        #expect(throws: UpdateFault.self) { try VersionMark.version(inProgram: folder.place("other")) }
    }
}
