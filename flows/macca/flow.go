package macca
