package extract

// What clerks read: why a file is unusable, and why a row of it was refused.
// Each is a fmt format; the word before the colon is the name of a column.
const (
	cannotOpen  = "file tidak dapat dibaca"
	notAFile    = "ini bukan file biasa"
	tooLarge    = "file lebih besar dari %d MB; bagi menjadi beberapa file"
	tooManyRows = "lebih dari %d baris; bagi menjadi beberapa file"
	noBytes     = "file kosong"
	noRows      = "tidak ada baris data di bawah judul kolom"
	isExcel     = "ini file Excel; simpan sebagai CSV UTF-8"
	isUTF16     = "ini teks UTF-16 (\"Teks Unicode\"); simpan sebagai CSV UTF-8"
	isMarkup    = "ini halaman HTML atau XML, bukan CSV; simpan sebagai CSV UTF-8"
	isPDF       = "ini file PDF, bukan CSV"
	isGzip      = "file masih dimampatkan; buka dulu, lalu impor CSV-nya"
	notUTF8     = "huruf di baris ini bukan UTF-8; simpan sebagai CSV UTF-8"
	isSemicolon = "kolom dipisahkan titik koma (;); simpan dengan pemisah koma (,)"
	isTab       = "kolom dipisahkan tab; simpan dengan pemisah koma (,)"
	badHeader   = "baris judul kolom tidak dapat dibaca: %s"
	noHeader    = "baris pertama bukan judul kolom; judul yang harus ada: %s"
	badColumns  = "judul kolom salah: %s"
	missing     = "tidak ada %s"
	unknown     = "tidak dikenal %s"
	doubled     = "ganda %s"

	lineTooLong   = "baris lebih panjang dari %d byte"
	openQuote     = "tanda kutip (\") tidak ditutup"
	afterQuote    = "ada tulisan setelah tanda kutip penutup"
	wrongCount    = "ada %d kolom, seharusnya %d"
	emptyCell     = "%s: tidak boleh kosong"
	longCell      = "%s: lebih dari %d huruf"
	hiddenCell    = "%s: ada karakter yang tidak dapat dicetak"
	notWhole      = "%s: harus angka bulat tanpa titik, koma, atau huruf"
	notRupiah     = "%s: harus rupiah bulat tanpa titik, koma, atau Rp, misalnya 52500"
	negative      = "%s: tidak boleh negatif"
	tooSmall      = "%s: paling kecil %d"
	tooBig        = "%s: paling besar %d"
	notDate       = "%s: harus tanggal TTTT-BB-HH, misalnya 2026-09-30"
	noSuchDate    = "%s: tanggal itu tidak ada"
	dateRange     = "%s: tahun tanggal harus antara %d dan %d"
	repeated      = "sama dengan baris %d (%s)"
	cellProblem   = "%s: %s"
	reasonBetween = "; "
)

// The columns that are added to the refused rows. A clerk who corrected such a
// file imports it as it is: the reader passes over them.
const (
	lineColumn   = "baris"
	reasonColumn = "alasan"
)
