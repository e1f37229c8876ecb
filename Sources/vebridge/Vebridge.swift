@main struct Vebridge { static func main() {} }
