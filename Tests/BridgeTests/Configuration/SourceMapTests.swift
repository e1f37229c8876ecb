import Testing

@testable import Bridge

@Suite("The lines of keys")
struct SourceMapTests {
    private func line(_ text: String, _ path: SourceStep...) -> Int? { SourceMap(text).line(of: path) }

    @Test("tables, subtables, dotted and quoted keys")
    func tables() {
        let text = """
            # one
            a = 1

            [b]
            c = 2
            d . e = 3
            "f g" = 4
              [ b . 'h' ]  # five
              i = 5
            "\\u006A" = 6
            """
        #expect(line(text, .key("a")) == 2)
        #expect(line(text, .key("b")) == 4)
        #expect(line(text, .key("b"), .key("c")) == 5)
        #expect(line(text, .key("b"), .key("d")) == 6)
        #expect(line(text, .key("b"), .key("d"), .key("e")) == 6)
        #expect(line(text, .key("b"), .key("f g")) == 7)
        #expect(line(text, .key("b"), .key("h")) == 8)
        #expect(line(text, .key("b"), .key("h"), .key("i")) == 9)
        #expect(line(text, .key("b"), .key("h"), .key("j")) == 10)
        #expect(line(text, .key("z")) == nil)
        #expect(line(text, .key("b"), .key("z")) == 4, "what is not there is where its table is")
    }

    @Test("arrays of tables count, and tables inside mean the last one")
    func arraysOfTables() {
        let text = """
            [[p]]
            x = 1
            [p.q]
            y = 2
            [[p]]
            x = 3
            [[p.r]]
            z = 4
            [[p.r]]
            z = 5
            """
        #expect(line(text, .key("p")) == 1)
        #expect(line(text, .key("p"), .index(0), .key("x")) == 2)
        #expect(line(text, .key("p"), .index(0), .key("q"), .key("y")) == 4)
        #expect(line(text, .key("p"), .index(1)) == 5)
        #expect(line(text, .key("p"), .index(1), .key("x")) == 6)
        #expect(line(text, .key("p"), .index(1), .key("r"), .index(1), .key("z")) == 10)
    }

    @Test("elements of lists and inline tables")
    func inline() {
        let text = """
            a = [ # first
              "x", 'y',
              # "no"
              [1,
               2], { k = 3, l.m = [ 4 ] },
            ]
            b = { c = "}", d = 'x # y', e = { f = 1 } } # tail
            g = 1979-05-27 07:32:00
            h = []
            i = {}
            j = 1
            """
        #expect(line(text, .key("a"), .index(0)) == 2)
        #expect(line(text, .key("a"), .index(1)) == 2)
        #expect(line(text, .key("a"), .index(2)) == 4)
        #expect(line(text, .key("a"), .index(2), .index(1)) == 5)
        #expect(line(text, .key("a"), .index(3), .key("l"), .key("m"), .index(0)) == 5)
        #expect(line(text, .key("b"), .key("d")) == 7)
        #expect(line(text, .key("b"), .key("e"), .key("f")) == 7)
        #expect(line(text, .key("j")) == 11)
        #expect(SourceMap(text).statements.map(\.fault) == [nil, nil, .moment, nil, nil, nil])
    }

    @Test("what looks like keys inside texts and comments is none")
    func texts() {
        let text = #"""
            a = "\" b = 1 \\"
            c = """
            d = 1
            [e]
            \""" "" """"
            f = '''
            g = 2 \'''
            # h = 3
            i = "[j]" # k = 4
            l = '\' # m
            n = 1
            """#
        let map = SourceMap(text)
        #expect(map.statements.map(\.path) == ["a", "c", "f", "i", "l", "n"].map { [.key($0)] })
        #expect(map.statements.map(\.firstLine) == [1, 2, 6, 9, 10, 11])
        #expect(map.statements.map(\.lastLine) == [1, 5, 7, 9, 10, 11])
        #expect(map.statements.allSatisfy { $0.fault == nil })
    }

    @Test("CRLF, a byte order mark and other scripts", arguments: ["", "\u{FEFF}"])
    func lineEnds(mark: String) {
        let text = mark + "a = \"é😀\"\r\n# ü\r\n[b]\r\nc = [\r\n1,\r\n2\r\n]\r\n\"ключ\" = 1\r\n"
        #expect(line(text, .key("a")) == 1)
        #expect(line(text, .key("b")) == 3)
        #expect(line(text, .key("b"), .key("c"), .index(1)) == 6)
        #expect(line(text, .key("b"), .key("ключ")) == 8)
        #expect(SourceMap(text).statements.allSatisfy { $0.fault == nil })
    }

    @Test("a list that is left open ends before what can only be the next statement")
    func openList() {
        let map = SourceMap("a = [\n  \"x\",\n\n[b]\nc = [ 1,\n d = 2\ne = [1, 2\n")
        #expect(map.statements.map(\.firstLine) == [1, 4, 5, 6, 7])
        #expect(map.statements.map(\.lastLine) == [3, 4, 5, 6, 7])
        #expect(map.statements[0].fault == .openArray)
        #expect(map.statements[1].fault == nil)
        #expect(map.statements[2].fault == .openArray)
        #expect(map.statements[3].fault == nil)
        #expect(map.statements[4].fault == .openArray)
    }

    @Test("a list of lists, of flags and of tables is not taken for the next statement")
    func listsOfLists() {
        let map = SourceMap("a = [\n[true],\n[inf] ,\n[nan],\n{ b = 1 },\n['c'],\n]\n")
        #expect(map.statements.map(\.lastLine) == [7])
        #expect(map.statements[0].fault == nil)
    }

    @Test("any beginning of a text, and any text with a byte changed, is read to its end")
    func damaged() {
        let text = #"""
            a = "x\u0041" # c
            [b.'c']
            d = [ 1, "2", { e = 'f' } ]
            [[g]]
            h = """
            i"""
            """#
        let bytes = Array(text.utf8)
        let lastLine = bytes.count { $0 == 10 } + 1
        for end in 0...bytes.count {
            for byte in Array("\"'[]{}=.#\n\\ \r,a\u{0}".utf8) {
                var damaged = Array(bytes[..<end])
                damaged.append(byte)
                damaged += bytes[end...].dropFirst()
                let map = SourceMap(String(decoding: damaged, as: UTF8.self))
                // Statements follow one another and stay inside the text.
                var line = 0
                for statement in map.statements {
                    #expect(statement.firstLine >= line && statement.lastLine >= statement.firstLine)
                    line = statement.firstLine
                }
                #expect((map.statements.last?.lastLine ?? 0) <= lastLine + 1)
            }
            _ = SourceMap(String(decoding: bytes[..<end], as: UTF8.self))
        }
    }

    @Test("levels beyond all reason are refused, not followed")
    func depth() {
        for text in [
            "[" + Array(repeating: "a", count: 5000).joined(separator: ".") + "]\n",
            Array(repeating: "a", count: 5000).joined(separator: ".") + " = 1\n",
            "a = " + String(repeating: "[", count: 5000) + "\n",
            "a = " + String(repeating: "{ a = ", count: 5000) + "\n",
        ] {
            #expect(SourceMap(text).statements.first?.fault == .tooDeep)
            #expect(faults(text) == ["vebridge.toml:1: more than 32 tables inside one another"])
        }
    }
}
