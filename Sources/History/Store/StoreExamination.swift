import GRDB
import Glibc

extension HistoryStore {
    /// What is wrong with the database at `path`, for who looks at it from outside; nil where it is sound.
    ///
    /// Nothing is changed. SQLite makes an index of its journal where there is none, even for a reader: it is handed to
    /// the database's owner, or a daemon with another user could not open it.
    public static func examine(_ path: String) -> HistoryError? {
        var owner = stat()
        guard stat(path, &owner) == 0 else { return .missing(path) }
        let companions = ["-wal", "-shm"].map { path + $0 }.filter { access($0, F_OK) != 0 }
        defer { for companion in companions { _ = chown(companion, owner.st_uid, owner.st_gid) } }
        do {
            let store = try HistoryStore.read(at: path, zone: .local())
            let answer = try store.database.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
            if let answer, answer != "ok" { return .damaged(path: path, reason: answer) }
            return nil
        } catch let error as HistoryError {
            return error
        } catch {
            return HistoryError(error, path: path)
        }
    }
}
