package ident

// NOP is a nomor objek pajak: 18 digits that name one piece of land for PBB-P2.
//
//	73 12 010 003 002 0041 0
//	|  |  |   |   |   |    kind of object (0, 7, 9 for PBB-P2)
//	|  |  |   |   |   serial number
//	|  |  |   |   block
//	|  |  |   desa or kelurahan (SISMIOP numbering)
//	|  |  kecamatan (SISMIOP numbering, not that of Kemendagri: never checked)
//	|  kabupaten
//	province
//
// There is no check digit (SE-07/PJ.6/1998). The zero value is no NOP.
type NOP string

// NOPLength is the number of digits of a NOP.
const NOPLength = 18

// soppeng is the province and kabupaten part of every NOP of the regency.
const soppeng = "7312"

// ParseNOP reads a NOP in any way people write it: dots, spaces, dashes, or
// bare digits. It returns ErrDigits for letters and ErrLength for any other
// number of digits than 18. A NOP of another regency parses; ask InSoppeng.
func ParseNOP(s string) (NOP, error) {
	d, clean := Digits(s)
	if !clean {
		return "", ErrDigits
	}
	if len(d) != NOPLength {
		return "", ErrLength
	}
	return NOP(d), nil
}

// InSoppeng tells whether the object lies in Kabupaten Soppeng.
func (n NOP) InSoppeng() bool { return len(n) == NOPLength && n[:4] == soppeng }

// String prints the NOP as the SPPT does: 73.12.010.003.002-0041.0.
func (n NOP) String() string {
	if len(n) != NOPLength {
		return string(n)
	}
	return string(n[0:2] + "." + n[2:4] + "." + n[4:7] + "." + n[7:10] + "." + n[10:13] + "-" + n[13:17] + "." + n[17:18])
}

// Masked shows block and serial number only, enough for the owner to tell his
// own objects apart and too little for anybody to look one up: ***.002-0041.0.
func (n NOP) Masked() string {
	if len(n) != NOPLength {
		return "***"
	}
	return "***" + n.String()[13:]
}
