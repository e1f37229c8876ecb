import Glibc
import Testing

@testable import Bridge

@Suite("The example file")
struct ExampleFileTests {
    /// The committed file, beside the sources.
    static let path =
        "\(#filePath)".split(separator: "/").dropLast(4).map { "/" + $0 }.joined()
        + "/packaging/vebridge.toml.example"

    @Test("is the committed one; with VEBRIDGE_WRITE_EXAMPLE set, it is written instead")
    func committed() throws {
        let example = Configuration.exampleFile()
        if getenv("VEBRIDGE_WRITE_EXAMPLE") != nil {
            let file = try #require(fopen(Self.path, "w"))
            #expect(fputs(example, file) >= 0)
            #expect(fclose(file) == 0)
        }
        let committed = try Configuration.readFile(Self.path, limit: 1 << 20)
        #expect(String(decoding: committed, as: UTF8.self) == example)
    }

    @Test("says nothing but the defaults, as it is and with every option taken out of its comment")
    func defaults() throws {
        #expect(try configuration(Configuration.exampleFile()) == Configuration())
        var read = try configuration(uncommentedExample().joined(separator: "\n"))
        #expect(read.portOverrides == [.init(path: "/dev/ttyUSB0", dtr: true, rts: true)])
        read.portOverrides = []
        #expect(read.brokers == [.init()])
        read.brokers = []
        #expect(read.multiplexers.map(\.name) == ["aft"])
        #expect(read.multiplexers.map(\.port) == ["/dev/ttyAMA0"])
        read.multiplexers = []
        #expect(read == Configuration())
    }

    @Test("is loaded from the committed file as the defaults")
    func loaded() throws {
        var loaded = try Configuration.load(file: Self.path, environment: [:])
        #expect(loaded.file.hasSuffix("/packaging/vebridge.toml.example"))
        loaded.file = ""
        #expect(loaded == Configuration())
    }

    @Test("has every documented option once, explained, in lines of at most 80 columns")
    func complete() {
        let lines = Configuration.exampleFile().split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.count <= 80 })
        var seen = 0
        for section in OptionCatalogue.sections {
            for option in section.options where option.isDocumented {
                #expect(!option.summary.isEmpty && !option.allowed.isEmpty)
                seen += 1
            }
        }
        let written = lines.filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") && !$0.hasPrefix("#[") }
        #expect(written.count == seen + OptionCatalogue.port.count + OptionCatalogue.multiplexer.count + 2)
        #expect(seen >= 35)
    }

    @Test("with any one key misspelt gives one diagnostic: that line, that key, and the right word")
    func misspelt() throws {
        let lines = uncommentedExample()
        var tried = 0
        for (index, line) in lines.enumerated() where !line.hasPrefix("#") {
            guard let equals = line.firstIndex(of: "="), line.first != "[" else { continue }
            let key = String(line[..<equals].dropLast())
            for wrong in misspellings(of: key) {
                var mutated = lines
                mutated[index] = wrong + line[key.endIndex...]
                let found = faults(mutated.joined(separator: "\n"))
                // What has to be there and is misspelt is missed too.
                let expected = "vebridge.toml:\(index + 1): unknown key '\(wrong)'"
                #expect(found.count == 1 || Self.needed.contains(key) && found.count == 2, "\(found)")
                #expect(found.contains { $0.hasPrefix(expected) && $0.hasSuffix("did you mean '\(key)'?") }, "\(found)")
                tried += 1
            }
        }
        #expect(tried > 100)
    }

    @Test("with any one table misspelt gives one diagnostic: that line, that table, and the right word")
    func misspeltTables() throws {
        let lines = uncommentedExample()
        var tried = 0
        for (index, line) in lines.enumerated() where line.hasPrefix("[") {
            let name = line.filter { $0 != "[" && $0 != "]" }
            let key = String(name.split(separator: ".").last ?? "")
            for wrong in misspellings(of: key) {
                var mutated = lines
                mutated[index] = line.replacingFirst(key, with: wrong)
                let found = faults(mutated.joined(separator: "\n"))
                #expect(found.count == 1, "\(found)")
                #expect(
                    found.first?.hasPrefix("vebridge.toml:\(index + 1): unknown key '\(wrong)'") == true, "\(found)")
                #expect(found.first?.hasSuffix("did you mean '\(key)'?") == true, "\(found)")
                tried += 1
            }
        }
        #expect(tried > 20)
    }

    @Test("with any one value of another kind gives one diagnostic on that line")
    func wrongKinds() throws {
        let lines = uncommentedExample()
        for (index, line) in lines.enumerated() where !line.hasPrefix("#") && !line.hasPrefix("[") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let key = line[..<equals].dropLast()
            for value in ["1979-05-27", "{}", "[[]]", "-1", "\"\\u0001\""] {
                var mutated = lines
                mutated[index] = "\(key) = \(value)"
                let found = faults(mutated.joined(separator: "\n"))
                if key == "password", value.hasPrefix("\"") || value == "-1" {
                    // A password may hold anything; here it lacks a user.
                    #expect(found.count == 1)
                } else if key == "password_file" || key == "psk_file" || key == "ca_file" || key == "certificate"
                    || key == "key" || key == "path" || key == "directory"
                    || key == "state_directory", value.hasPrefix("\"")
                {
                    continue
                } else {
                    #expect(found.count == 1, "\(mutated[index]): \(found)")
                }
                #expect(
                    found.allSatisfy { $0.hasPrefix("vebridge.toml:\(index + 1): ") }, "\(mutated[index]): \(found)")
            }
        }
    }

    /// Keys of arrays of tables that are useless without them.
    private static let needed: Set<String> = ["path", "url", "name", "port", "chip", "select", "channels"]

    private func misspellings(of word: String) -> [String] {
        let letters = Array(word)
        var result = [String(letters.dropLast()), word + "s", word.uppercased()]
        if letters.count > 3 {
            var swapped = letters
            swapped.swapAt(1, 2)
            result.append(String(swapped))
            result.append(String(letters[0..<2]) + "x" + String(letters[3...]))
        }
        // 'port' and 'ports' are both names.
        let known = Set(
            OptionCatalogue.sections.flatMap { $0.options.map(\.key) } + [
                OptionCatalogue.portTable, OptionCatalogue.brokerTable, "broker",
            ])
        return result.filter { $0 != word && !$0.isEmpty && !known.contains($0) }
    }
}

extension String {
    fileprivate func replacingFirst(_ part: String, with other: String) -> String {
        guard let range = firstRange(of: part) else { return self }
        return String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
    }
}
